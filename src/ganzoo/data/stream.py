"""The train dataloader: an endless row of batches that resumes exactly."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ganzoo.data.source import Batches, Drawn
from ganzoo.errors import InputError, check_whole

Batch: TypeAlias = list[Tensor] | dict[str, Tensor]
"""What the game is given in one iteration."""

# More iterations than any run has.
_FOREVER = 2**62


class Stream:
    """Endless batches ``[data, labels]`` or ``[data]`` from iteration ``start`` on.

    Data that are a dictionary, of samples of several kinds, are the batch themselves.

    Lightning keeps the state of a dataloader that has ``state_dict`` and ``load_state_dict`` in
    its checkpoints. The state is the number of batches that were used. Lightning fetches one
    batch ahead of an endless loader, so where it trains, the data module says when a batch is
    used (``counted``); elsewhere a batch counts as used when it is given out. A new iterator
    begins at the first batch that was not used.

    Args:
        batches: Function from the number of an iteration to its data and labels.
        labelled: Whether batches carry the labels.
        num_workers: Processes that make batches ahead; 0 makes them in this process.
        start: First iteration.
        counted: Whether ``mark_used`` will be called for every used batch.
    """

    def __init__(
        self, *, batches: Batches, labelled: bool, num_workers: int, start: int, counted: bool
    ) -> None:
        self.iteration = start
        self._batches = _BatchDataset(batches, labelled)
        self._num_workers = num_workers
        self._counted = counted
        # Lightning stops the workers of what a loader calls ``_iterator`` when training ends.
        self._iterator: Any = None
        self._ahead = start

    def __iter__(self) -> Iterator[Batch]:
        for position in self._positions():
            batch = self._draw(position)
            if not self._counted:
                self.iteration = position + 1
            yield batch

    def mark_used(self) -> None:
        """Count one more batch as used."""
        self.iteration += 1

    def state_dict(self) -> dict[str, int]:
        """Return ``{"iteration": n}``, the number of the first batch that was not used."""
        return {"iteration": self.iteration}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a state; iterators made before do not follow.

        Raises:
            InputError: if the state holds no whole number of batches.
        """
        check_whole(0, iteration=state.get("iteration"))
        self.iteration = state["iteration"]

    def _positions(self) -> Iterable[int]:
        return itertools.count(self.iteration)

    def _draw(self, position: int) -> Batch:
        if not self._num_workers:
            return self._batches[position]
        if self._iterator is None or self._ahead != position:
            self._iterator = self._workers(position)
        self._ahead = position + 1
        batch: Batch = next(self._iterator)
        return batch

    def _workers(self, position: int) -> Iterator[Batch]:
        loader: DataLoader[Batch] = DataLoader(
            self._batches,
            batch_size=None,
            sampler=range(position, _FOREVER),
            num_workers=self._num_workers,
            pin_memory=torch.cuda.is_available(),
            # A loader without a generator of its own takes a number from the global one.
            generator=torch.Generator(),
        )
        return iter(loader)


class EpochStream(Stream):
    """A stream whose iterators end after ``length`` batches; the next one goes on from there.

    Args:
        length: Batches in an epoch.
        options: Arguments of :class:`Stream`.
    """

    def __init__(self, *, length: int, **options: Any) -> None:
        super().__init__(**options)
        self._length = length

    def __len__(self) -> int:
        return self._length

    def _positions(self) -> Iterable[int]:
        return range(self.iteration, self.iteration + self._length)


class RepeatedStream:
    """The first batches of others, again and again.

    Args:
        batches: Function from the number of an iteration to its data and labels.
        count: How many of them there are before the first comes again.
    """

    def __init__(self, batches: Batches, count: int) -> None:
        self._batches, self._count = batches, count

    def __getitem__(self, iteration: int) -> Drawn:
        """Return the batch whose turn it is."""
        return self._batches[iteration % self._count]


def whole_batches(limit: float, length: int | None) -> int:
    """The number of batches that one of a trainer's limits stands for.

    Args:
        limit: A whole number of batches, or as a float a part of an epoch.
        length: Batches in an epoch; None where there is one without an end.

    Raises:
        InputError: if it is less than one batch.
    """
    if isinstance(limit, int) or length is None:
        return int(limit)
    if int(limit * length) < 1:
        raise InputError(
            f"{limit} of an epoch of {length} batches is less than one batch: write a number of "
            "batches, or a larger part"
        )
    return int(limit * length)


class _BatchDataset(Dataset[Batch]):
    """Batches as Lightning takes them: lists of tensors, or dictionaries."""

    def __init__(self, batches: Batches, labelled: bool) -> None:
        self._batches, self._labelled = batches, labelled

    def __getitem__(self, iteration: int) -> Batch:
        data, labels = self._batches[iteration]
        if isinstance(data, dict):
            return data
        return [data, labels] if self._labelled and labels is not None else [data]
