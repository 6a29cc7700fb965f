"""What a data set offers: fresh samples of a distribution, or a collection of stored ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from ganzoo.data.plan import BatchPlan, ProcessShare, Purpose, seeded

Labelled = tuple[Tensor, Tensor | None]

Drawn: TypeAlias = tuple[Any, Tensor | None]
"""Samples ``[B, ...]``, or several kinds of them by their names, and labels ``[B]`` or None."""


class Batches(Protocol):
    """A pure function from the number of an iteration to its data and labels."""

    def __getitem__(self, iteration: int) -> Drawn:
        """Return this process's samples ``[B, ...]`` and, where there are any, labels ``[B]``."""


class Source(ABC):
    """A data set. Pictures are uint8 ``[C, H, W]``, points float32 ``[D]``.

    To add a data set, derive from :class:`Distribution` or :class:`Collection`. Those of
    :mod:`ganzoo.data.domains` have samples of two kinds, which they give as dictionaries.

    Attributes:
        shape: Shape of one sample.
        num_classes: Number of classes, known after ``setup``; None without labels.
        class_names: Their names in the order of their numbers, known after ``setup``; None where
            they have none.
        in_memory: Whether a batch is cheap to make, known after ``setup``. If not, batches are
            made in worker processes.
    """

    shape: tuple[int, ...]
    num_classes: int | None = None
    class_names: Sequence[str] | None = None
    in_memory: bool = True

    def prepare(self) -> None:  # noqa: B027 - most sources have nothing to do
        """Download what is missing. Called in one process only."""

    def setup(self, *, memory_limit: int) -> None:  # noqa: B027 - a distribution needs none
        """Load the data. Called in every process.

        Args:
            memory_limit: Largest number of bytes to keep decoded in memory.
        """

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Number of samples, known after ``setup``; None for a distribution."""

    @abstractmethod
    def batches(self, *, shares: ProcessShare, seed: int, horizontal_flip: bool) -> Batches:
        """Return the batches of one process.

        Args:
            shares: Which part of an iteration falls to the process.
            seed: Seed of the order, of samples and of flips.
            horizontal_flip: Whether to mirror each picture with probability 1/2.
        """

    @abstractmethod
    def real(self, count: int, seed: int) -> Drawn:
        """Return a fixed set of samples ``[count, ...]`` and, where there are any, labels."""

    def held_out(self) -> "Source | None":
        """Return a source of samples of the same distribution that training never sees.

        Returns:
            A source that is not yet set up, or this one where it draws fresh samples: other seeds
            then give other samples. None where there are no such samples.
        """
        return None


class Distribution(Source):
    """A data set that draws fresh samples, so that no sample is seen twice."""

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Labelled:
        """Draw samples ``[count, ...]`` and, where there are any, int64 labels ``[count]``."""

    @property
    def size(self) -> None:
        """None: there is no end of samples."""
        return None

    def batches(self, *, shares: ProcessShare, seed: int, horizontal_flip: bool) -> Batches:
        """Return the batches of one process; fresh samples are never flipped."""
        return _FreshBatches(self, shares, seed)

    def real(self, count: int, seed: int) -> Labelled:
        """Draw samples that depend on the seed only."""
        return self.sample(count, seeded(seed, Purpose.REAL))

    def held_out(self) -> "Distribution":
        """Return this distribution, whose samples are all fresh."""
        return self


class Collection(Source):
    """A data set of N stored samples."""

    @abstractmethod
    def gather(self, indices: Tensor) -> Labelled:
        """Return samples ``[B, ...]`` and, where there are any, int64 labels ``[B]``.

        Args:
            indices: int64 ``[B]``, each from 0 to N - 1.
        """

    def batches(self, *, shares: ProcessShare, seed: int, horizontal_flip: bool) -> Batches:
        """Return the batches of one process, each pass over the samples in a new order."""
        assert self.size is not None
        plan = BatchPlan(size=self.size, seed=seed, shares=shares)
        return _StoredBatches(self, plan, seed, horizontal_flip)

    def real(self, count: int, seed: int) -> Labelled:
        """Choose samples, all different while ``count`` is at most N."""
        assert self.size is not None
        shares = ProcessShare(batch_size=count, batches_per_iteration=1, rank=0, world_size=1)
        return self.gather(BatchPlan(size=self.size, seed=seed, shares=shares).indices(0))


class _FreshBatches:
    """Each process draws the samples of all and keeps its own: devices do not change the data."""

    def __init__(self, source: Distribution, shares: ProcessShare, seed: int) -> None:
        self._source, self._shares, self._seed = source, shares, seed

    def __getitem__(self, iteration: int) -> Labelled:
        generator = seeded(self._seed, Purpose.SAMPLE, iteration)
        samples, labels = self._source.sample(self._shares.total, generator)
        return self._shares.take(samples), None if labels is None else self._shares.take(labels)


class _StoredBatches:
    def __init__(self, source: Collection, plan: BatchPlan, seed: int, flip: bool) -> None:
        self._source, self._plan, self._seed, self._flip = source, plan, seed, flip

    def __getitem__(self, iteration: int) -> Labelled:
        images, labels = self._source.gather(self._plan.indices(iteration))
        return self._mirror(images, iteration) if self._flip else images, labels

    def _mirror(self, images: Tensor, iteration: int) -> Tensor:
        generator = seeded(self._seed, Purpose.FLIP, iteration)
        shares, count = self._plan.shares, len(images)
        mirrored = shares.take(torch.randint(2, (shares.total,), generator=generator))
        # Selecting whole rows is many times faster than a mask over pixels.
        rows = torch.arange(count) + count * mirrored
        return torch.cat([images, images.flip(-1)]).index_select(0, rows)
