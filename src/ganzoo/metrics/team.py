"""The processes that share the work of an evaluation."""

from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Team:
    """One process that works alone; distributed runs derive theirs from it.

    Attributes:
        rank: The number of this process, from 0.
        size: The number of processes.
    """

    rank: int = 0
    size: int = 1

    def share(self, count: int, batch_size: int) -> range:
        """The first indices of this process's batches, of ``count`` samples in all.

        Batches are the same whatever the number of processes, so that their features are, too;
        each process has at least one.
        """
        batches = -(-count // batch_size)
        each = -(-batches // self.size)
        first = min(self.rank * each, batches - 1)
        last = max(first + 1, min(first + each, batches))
        return range(first * batch_size, last * batch_size, batch_size)

    def gather(self, parts: list[Tensor], count: int) -> Tensor:
        """Join the batches that :meth:`share` gave to all processes, ``[count, ...]``."""
        return torch.cat(parts)

    def agree(self, value: T) -> T:
        """Return the first process's value."""
        return value
