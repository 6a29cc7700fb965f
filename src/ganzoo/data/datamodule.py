"""The one LightningDataModule: any source, one batch for each iteration of the game."""

import math
from typing import Any

from lightning.pytorch import LightningDataModule

from ganzoo.data.images import in_model_range
from ganzoo.data.labelling import Labelling
from ganzoo.data.plan import ProcessShare, Purpose, seeded
from ganzoo.data.source import Batches, Drawn, Source
from ganzoo.data.stream import Batch, EpochStream, RepeatedStream, Stream, whole_batches
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_whole


@defaults_from("dataset/base/images", beside="dataset/base/labelled")
class DataModule(LightningDataModule):
    """Batches of real data for the game.

    One batch holds all real samples of one iteration: ``batch_size`` for each of its minibatches,
    of which the model that is trained says how many there are (``minibatches_per_iteration``; 1
    where it does not say). It is ``[data, labels]``, or ``[data]`` without classes, or
    ``{"a": data, "b": data}`` of two domains. On the device, pictures become float32 in [-1, 1];
    points stay float32 in the data's own units. A batch depends on the seed, the number of the
    iteration and the process, on nothing else, so a run resumes with the batches that it would have
    seen, and N processes with batch B see the samples of one process with batch N x B.

    Args:
        source: The data set.
        num_classes: Number of classes, C; None leaves the labels out.
        batch_size: Samples of one process in one minibatch, B.
        samples_per_epoch: What counts as an epoch where ``Trainer(max_epochs=...)`` is set; None
            is one pass over the data. Without ``max_epochs`` there is one endless epoch.
        seed: Seed of order, fresh samples and flips, zero or above.
        horizontal_flip: Whether to mirror each picture, or pair, with probability 1/2.
        num_workers: Processes that decode pictures which do not fit in memory.
        memory_limit: Bytes of uint8 pictures, N x C x H x W, up to which all are kept in memory.
        labelled_samples: Number of samples whose labels are known in training, spread evenly over
            the classes and chosen by the seed; the labels of the others are -1. None: all are.
        labelled_per_batch: How many of those are in each discriminator step of one process; None
            lets them come as they do. See :class:`~ganzoo.data.labelling.Labelling`.

    Raises:
        InputError: if a number is of the wrong kind, points are to be flipped, or labels cannot
            be left out.
    """

    def __init__(
        self,
        *,
        source: Source,
        num_classes: int | None = FROM_CONFIG,
        batch_size: int = FROM_CONFIG,
        samples_per_epoch: int | None = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        horizontal_flip: bool = FROM_CONFIG,
        num_workers: int = FROM_CONFIG,
        memory_limit: int = FROM_CONFIG,
        labelled_samples: int | None = FROM_CONFIG,
        labelled_per_batch: int | None = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(batch_size=batch_size)
        check_whole(0, seed=seed, num_workers=num_workers)
        check_not_negative(memory_limit=memory_limit)
        if num_classes is not None:
            check_whole(num_classes=num_classes)
        if samples_per_epoch is not None:
            check_whole(samples_per_epoch=samples_per_epoch)
        if horizontal_flip and len(source.shape) != 3:
            raise InputError("horizontal_flip mirrors pictures, this data set has points")
        self.source = source
        self.shape = tuple(source.shape)
        self.num_classes = num_classes
        self._batch_size = batch_size
        self._samples_per_epoch, self._seed = samples_per_epoch, seed
        self._horizontal_flip, self._num_workers = horizontal_flip, num_workers
        self._memory_limit = memory_limit
        self._labelling = self._find_labelling(labelled_samples, labelled_per_batch)
        self._is_set_up = False
        self._held_out: Source | None = None
        self._stream: Stream | None = None

    @property
    def minibatches_per_iteration(self) -> int:
        """Minibatches in a batch, as the model that is trained says."""
        model = getattr(self.trainer, "lightning_module", None)
        return int(getattr(model, "minibatches_per_iteration", 1))

    def prepare_data(self) -> None:
        """Download what is missing; Lightning calls this in one process only.

        Raises:
            InputError: if the data cannot be had.
        """
        self.source.prepare()

    def setup(self, stage: str = "fit") -> None:
        """Load the data, once.

        Args:
            stage: Not used: there is one set of data.

        Raises:
            InputError: if the data cannot be read, is smaller than a batch, or has other classes.
        """
        if self._is_set_up:
            return
        self.source.setup(memory_limit=self._memory_limit)
        self._check_size()
        self._check_classes(self.source)
        if self._labelling is not None:
            _ = self._labelling.chosen  # says now if there are too few
        self._is_set_up = True

    def train_dataloader(self) -> Stream:
        """Return the batches of this process, endless unless ``max_epochs`` is set."""
        self._be_ready()
        if self._labelling is not None:
            self._labelling.check_model(getattr(self.trainer, "lightning_module", None))
        self._stream = self._make_stream()
        return self._stream

    def real(self, count: int, seed: int) -> Drawn:
        """Return a fixed set of real samples, the same in all processes.

        Args:
            count: Number of samples, all different; a smaller data set gives all it has.
            seed: Seed of the choice.

        Returns:
            Data float32 ``[count, ...]`` (pictures in [-1, 1], never flipped or cropped), or a
            dictionary of such data, and int64 labels ``[count]`` or None.
        """
        check_whole(count=count)
        check_whole(0, seed=seed)
        self._be_ready()
        return self._chosen(self.source, count, seed)

    def held_out(self, count: int, seed: int) -> Drawn | None:
        """Return a fixed set of real samples that training never sees, the same in all processes.

        Args:
            count: Number of samples; where there are fewer, all of them are returned.
            seed: Seed of the choice. Fresh samples of a distribution are others than those that
                ``real`` draws from the same seed.

        Returns:
            Data and labels as those of ``real``, or None where the data set has none apart.

        Raises:
            InputError: if they cannot be read, or have other classes.
        """
        check_whole(count=count)
        check_whole(0, seed=seed)
        source = self._find_held_out()
        if source is None:
            return None
        return self._chosen(source, count, seeded(seed, Purpose.HELD_OUT).initial_seed())

    def unlabelled(self, count: int, seed: int) -> Drawn | None:
        """Return a fixed set of the samples whose labels training does not know.

        Args:
            count: Number of samples, all different; where there are fewer, all are returned.
            seed: Seed of the choice.

        Returns:
            Data and their true labels as those of ``real``, or None where all labels are known.
        """
        check_whole(count=count)
        check_whole(0, seed=seed)
        self._be_ready()
        rest = None if self._labelling is None else self._labelling.rest()
        return self._chosen(rest, count, seed) if rest and rest.size else None

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Count the batch as used: from here on, a checkpoint resumes behind it."""
        if self._stream is not None and self.trainer is not None and self.trainer.training:
            self._stream.mark_used()
        return batch

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Any:
        """Turn uint8 pictures into float32 in [-1, 1], on the device."""
        return in_model_range(batch)

    def _chosen(self, source: Source, count: int, seed: int) -> Drawn:
        data, labels = source.real(min(count, source.size or count), seed)
        return in_model_range(data), None if self.num_classes is None else labels

    def _be_ready(self) -> None:
        if not self._is_set_up:
            self.prepare_data()
            self.setup()

    def _find_held_out(self) -> Source | None:
        if self._held_out is None:
            found = self.source.held_out()
            if found is None:
                return None
            if found is self.source:
                self._be_ready()
            else:
                found.prepare()
                found.setup(memory_limit=self._memory_limit)
                self._check_classes(found)
            self._held_out = found
        return self._held_out

    def _shares_of(self, batch_size: int) -> ProcessShare:
        trainer = self.trainer
        return ProcessShare(
            batch_size=batch_size,
            batches_per_iteration=self.minibatches_per_iteration,
            rank=trainer.global_rank if trainer else 0,
            world_size=trainer.world_size if trainer else 1,
        )

    def _batches(self, shares: ProcessShare) -> Batches:
        options: dict[str, Any] = {"seed": self._seed, "horizontal_flip": self._horizontal_flip}
        if self._labelling is None:
            return self.source.batches(shares=shares, **options)
        return self._labelling.batches(shares_of=self._shares_of, **options)

    def _make_stream(self) -> Stream:
        trainer: Any = self.trainer
        shares = self._shares_of(self._batch_size)
        length = self._epoch_length(trainer, shares) if trainer else None
        batches = self._batches(shares)
        if trainer is not None and trainer.overfit_batches:
            batches = RepeatedStream(batches, whole_batches(trainer.overfit_batches, length))
        options: dict[str, Any] = {
            "batches": batches,
            "labelled": self.num_classes is not None,
            "num_workers": 0 if self.source.in_memory else self._num_workers,
            # Not 0 where the trainer asks for its loader anew in the middle of a run.
            "start": trainer.fit_loop.epoch_loop.total_batch_idx + 1 if trainer else 0,
            "counted": trainer is not None,
        }
        return Stream(**options) if length is None else EpochStream(length=length, **options)

    def _epoch_length(self, trainer: Any, shares: ProcessShare) -> int | None:
        """Batches of an epoch; None where there is one epoch without an end."""
        overfit = trainer.overfit_batches
        if trainer.fast_dev_run or (overfit and isinstance(overfit, int)):
            return None  # Lightning counts the batches
        if (trainer.max_epochs or 0) <= 0 and not overfit:
            return None
        epoch = self._samples_per_epoch or self.source.size
        if epoch is None:
            name = f"overfit_batches={overfit}" if overfit else "max_epochs"
            raise InputError(
                f"trainer.{name} has no meaning for {type(self.source).__name__}, which draws "
                "fresh samples: set trainer.max_steps, or dataset.samples_per_epoch"
            )
        length = math.ceil(epoch / shares.total)
        whole_batches(trainer.limit_train_batches, length)
        return length

    def _find_labelling(self, samples: int | None, per_batch: int | None) -> Labelling | None:
        if samples is not None:
            return Labelling(
                source=self.source,
                num_classes=self.num_classes,
                samples=samples,
                per_batch=per_batch,
                batch_size=self._batch_size,
                seed=self._seed,
            )
        if per_batch is not None:
            raise InputError(
                f"labelled_per_batch={per_batch} has no meaning where all labels are known: set "
                "dataset.labelled_samples, or dataset.labelled_per_batch=null"
            )
        return None

    def _check_size(self) -> None:
        size = self.source.size
        if size is not None and self._batch_size > size:
            raise InputError(
                f"batch_size={self._batch_size} is larger than the data set: "
                f"set dataset.batch_size to at most {size}"
            )

    def _check_classes(self, source: Source) -> None:
        found = source.num_classes
        if self.num_classes is None or self.num_classes == found:
            return
        if found is None:
            raise InputError(
                f"num_classes={self.num_classes}, but {type(source).__name__} has no "
                "labels: set dataset.num_classes=null"
            )
        raise InputError(
            f"num_classes={self.num_classes}, but {type(source).__name__} has {found} "
            f"classes: set dataset.num_classes={found}, or null to leave the labels out"
        )
