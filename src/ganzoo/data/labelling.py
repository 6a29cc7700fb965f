"""Training that knows the labels of a few samples only, and batches that hold enough of those."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganzoo.data.plan import ProcessShare, Purpose, seeded
from ganzoo.data.source import Batches, Collection, Labelled, Source
from ganzoo.errors import InputError, check_whole

UNKNOWN_LABEL = -1
"""The label of a sample whose class is not known."""

# Samples whose labels are looked at together.
_CHUNK = 256


class Labelling:
    """Which labels of a collection are known in training; the others are given as -1.

    The labelled samples are spread evenly over the classes (where their number is no multiple of
    the number of classes, some classes have one more) and depend on the seed and the data alone,
    so they are the same in all processes and after a resumption.

    With ``per_batch`` each discriminator step of each process holds so many labelled samples,
    drawn in passes over the labelled ones, evenly among samples drawn from the whole collection
    that all count as unlabelled. Without it samples come as they do elsewhere, and those whose
    labels are known have them. So the labelled samples are shown more often than others where
    their share of the batch is larger than that of the data, as in the batches of Salimans et al.
    (2016, arXiv 1606.03498, section 5), who draw labelled and unlabelled ones apart.

    Args:
        source: The data set, a collection with classes.
        num_classes: Number of classes, C.
        samples: Number of labelled samples, at least C.
        per_batch: Labelled samples of one process in one discriminator step, at least 1 and fewer
            than ``batch_size``; None lets them come as they do.
        batch_size: Samples of one process in one discriminator step.
        seed: Seed of the choice.

    Raises:
        InputError: if a number is out of range, there are no classes, or the source draws fresh
            samples.
    """

    def __init__(
        self,
        *,
        source: Source,
        num_classes: int | None,
        samples: int,
        per_batch: int | None,
        batch_size: int,
        seed: int,
    ) -> None:
        check_whole(labelled_samples=samples)
        if num_classes is None:
            raise InputError(
                f"labelled_samples={samples} needs a data set with classes: set "
                "dataset.num_classes, or dataset.labelled_samples=null"
            )
        if not isinstance(source, Collection):
            raise InputError(
                f"labelled_samples={samples} has no meaning for {type(source).__name__}, which "
                "draws fresh samples: set dataset.labelled_samples=null"
            )
        if samples < num_classes:
            raise InputError(
                f"labelled_samples={samples} is fewer than one for each of {num_classes} classes: "
                f"set dataset.labelled_samples to at least {num_classes}"
            )
        if per_batch is not None:
            _check_per_batch(per_batch, batch_size)
        self._source, self._num_classes = source, num_classes
        self._samples, self._per_batch, self._batch_size = samples, per_batch, batch_size
        self._seed = seed
        self._chosen: Tensor | None = None

    @property
    def chosen(self) -> Tensor:
        """Indices of the labelled samples, ascending int64; known once the source is set up.

        Raises:
            InputError: if there are fewer samples, or a class has fewer than its share.
        """
        if self._chosen is None:
            self._chosen = balanced_indices(
                self._source, self._num_classes, self._samples, self._seed
            )
        return self._chosen

    def batches(
        self, *, shares_of: Callable[[int], ProcessShare], seed: int, horizontal_flip: bool
    ) -> Batches:
        """Return the batches of one process.

        Args:
            shares_of: From a number of samples of one process in one discriminator step to which
                part of an iteration falls to the process.
            seed: Seed of orders and flips.
            horizontal_flip: Whether to mirror each picture with probability 1/2.
        """
        count, size = self._per_batch, self._batch_size
        options: dict[str, Any] = {"horizontal_flip": horizontal_flip}
        if count is None:
            return WithMaskedLabels(self._source, self.chosen).batches(
                shares=shares_of(size), seed=seed, **options
            )
        few = Subset(self._source, self.chosen)
        own_seed = seeded(seed, Purpose.SAMPLE).initial_seed()
        return Interleaved(
            few.batches(shares=shares_of(count), seed=own_seed, **options),
            WithMaskedLabels(self._source, self.chosen[:0]).batches(
                shares=shares_of(size - count), seed=seed, **options
            ),
            count=count,
            batch_size=size,
        )

    def rest(self) -> Collection:
        """The samples whose labels training does not know, with their labels."""
        assert self._source.size is not None
        unknown = torch.ones(self._source.size, dtype=torch.bool)
        unknown[self.chosen] = False
        return Subset(self._source, unknown.nonzero().squeeze(1))

    def check_model(self, model: Any) -> None:
        """Refuse a model that makes samples of classes: it learns from every sample's label.

        Args:
            model: Any model; what has no ``choose_labels`` is not looked at.

        Raises:
            InputError: if it is conditional.
        """
        find = getattr(model, "choose_labels", None)
        if find is not None and find(None, 1, torch.Generator()) is not None:
            raise InputError(
                f"a conditional model needs the label of every sample, and {self._samples} are "
                "known: set dataset.labelled_samples=null, or choose another model"
            )


def balanced_indices(source: Collection, num_classes: int, count: int, seed: int) -> Tensor:
    """Choose samples at random, evenly over the classes.

    Looks at as many samples as it takes, in a random order.

    Args:
        source: The data set, set up.
        num_classes: Number of classes, C.
        count: Number of samples, at least C.
        seed: Seed of the choice.

    Returns:
        Their indices, ascending int64 ``[count]``.

    Raises:
        InputError: if there are fewer samples, or a class has fewer than its share.
    """
    size = source.size
    assert size is not None
    if count > size:
        raise InputError(
            f"labelled_samples={count} is more than the {size} samples there are: set "
            "dataset.labelled_samples=null, which makes all labels known"
        )
    # A collection is not sampled in any other way, so its seed for that is free.
    generator = seeded(seed, Purpose.SAMPLE)
    wanted = torch.full((num_classes,), count // num_classes)
    wanted[torch.randperm(num_classes, generator=generator)[: count % num_classes]] += 1
    left, found = wanted.tolist(), []
    for indices in torch.split(torch.randperm(size, generator=generator), _CHUNK):
        labels = source.gather(indices)[1]
        assert labels is not None
        for index, label in zip(indices.tolist(), labels.tolist(), strict=True):
            if left[label]:
                left[label] -= 1
                found.append(index)
        if len(found) == count:
            return torch.tensor(sorted(found))
    there, short = min((int(wanted[label]) - left[label], label) for label in _missing(left))
    raise InputError(
        f"labelled_samples={count} is {int(wanted[short])} samples of each class, and class "
        f"{short} has {there}: set dataset.labelled_samples to at most {there * num_classes}"
    )


def _missing(left: list[int]) -> list[int]:
    return [label for label, missing in enumerate(left) if missing]


class WithMaskedLabels(Collection):
    """A collection in which only some labels are known; the others are -1.

    Args:
        source: The collection, with labels.
        known: Indices of the samples whose labels are known, int64.
    """

    def __init__(self, source: Collection, known: Tensor) -> None:
        self.shape, self.num_classes = source.shape, source.num_classes
        self.in_memory = source.in_memory
        self._source = source
        self._unknown = torch.ones(self.size or 0, dtype=torch.bool)
        self._unknown[known] = False

    @property
    def size(self) -> int | None:
        """Number of all samples."""
        return self._source.size

    def gather(self, indices: Tensor) -> Labelled:
        """Return samples ``[B, ...]`` and labels ``[B]``, -1 where they are not known."""
        samples, labels = self._source.gather(indices)
        assert labels is not None
        return samples, labels.masked_fill(self._unknown.index_select(0, indices), UNKNOWN_LABEL)


class Subset(Collection):
    """Some samples of a collection.

    Args:
        source: The collection.
        chosen: Indices of the samples, int64.
    """

    def __init__(self, source: Collection, chosen: Tensor) -> None:
        self.shape, self.num_classes = source.shape, source.num_classes
        self.in_memory = source.in_memory
        self._source, self._chosen = source, chosen

    @property
    def size(self) -> int:
        """Number of these samples."""
        return len(self._chosen)

    def gather(self, indices: Tensor) -> Labelled:
        """Return samples ``[B, ...]`` and labels ``[B]``."""
        return self._source.gather(self._chosen.index_select(0, indices))


class Interleaved:
    """Batches whose discriminator steps hold so many samples of one row and the rest of another.

    Sample p of a step's is of the first row where ``floor((p + 1) L / B) > floor(p L / B)``: so
    the parts of an accumulated batch have the same number of them to within one, and several
    processes together have the samples, in the order, of one with as much more of both.

    Args:
        first: The row with ``count`` samples in each discriminator step.
        second: The row with ``batch_size - count`` samples in each.
        count: L.
        batch_size: B.
    """

    def __init__(self, first: Batches, second: Batches, *, count: int, batch_size: int) -> None:
        self._first, self._second = first, second
        self._count, self._batch_size = count, batch_size
        edges = torch.arange(batch_size + 1) * count // batch_size
        from_first = edges.diff().bool()
        self._order = torch.empty(batch_size, dtype=torch.int64)
        self._order[from_first] = torch.arange(count)
        self._order[~from_first] = torch.arange(count, batch_size)

    def __getitem__(self, iteration: int) -> Labelled:
        samples, labels = self._first[iteration]
        others, marks = self._second[iteration]
        assert labels is not None
        assert marks is not None
        return self._join(samples, others), self._join(labels, marks)

    def _join(self, first: Tensor, second: Tensor) -> Tensor:
        steps = len(first) // self._count
        parts = [part.reshape(steps, -1, *part.shape[1:]) for part in (first, second)]
        return torch.cat(parts, dim=1).index_select(1, self._order).flatten(0, 1)


def _check_per_batch(per_batch: int, batch_size: int) -> None:
    check_whole(labelled_per_batch=per_batch)
    if per_batch >= batch_size:
        raise InputError(
            f"labelled_per_batch={per_batch} leaves no room for unlabelled samples: set "
            f"dataset.labelled_per_batch to at most {batch_size - 1}"
        )
