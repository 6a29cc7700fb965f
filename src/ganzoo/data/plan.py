"""Which samples the batch of an iteration holds, as a pure function of the iteration."""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import check_whole


class Purpose(IntEnum):
    """What random numbers are for, so that one seed gives independent ones for each purpose."""

    PASS = 0
    SAMPLE = 1
    FLIP = 2
    REAL = 3
    STACK = 4
    HELD_OUT = 5
    CROP = 6
    DOMAIN = 7


def seeded(seed: int, purpose: Purpose, number: int = 0) -> torch.Generator:
    """Return a CPU generator that depends on the arguments and on nothing else.

    Args:
        seed: Seed of the run, zero or above.
        purpose: What the numbers are for.
        number: Which pass or iteration they are for.
    """
    words = np.random.SeedSequence((seed, int(purpose), number)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0]))


class ProcessShare:
    """The part of an iteration's samples that falls to one process.

    An iteration uses ``total`` samples: ``batches_per_iteration`` shares, one for each
    discriminator step, each made of ``batch_size`` samples of every process in the order of
    their ranks. So share j of W processes with batch B together is share j of one process with
    batch W x B.

    Args:
        batch_size: Samples of one process in one discriminator step.
        batches_per_iteration: Discriminator steps in one iteration.
        rank: Number of this process, from 0.
        world_size: Number of processes.

    Raises:
        InputError: if a number is not whole or too small.
    """

    def __init__(
        self, *, batch_size: int, batches_per_iteration: int, rank: int, world_size: int
    ) -> None:
        check_whole(
            batch_size=batch_size,
            batches_per_iteration=batches_per_iteration,
            world_size=world_size,
        )
        check_whole(0, rank=rank)
        self._grid = (batches_per_iteration, world_size, batch_size)
        self._rank = rank
        self.total = batches_per_iteration * world_size * batch_size

    def take(self, samples: Tensor) -> Tensor:
        """Return this process's rows, in the order of the discriminator steps.

        Args:
            samples: ``[total, ...]``, the same in all processes.

        Returns:
            ``[batches_per_iteration * batch_size, ...]``.
        """
        shares = samples.reshape(*self._grid, *samples.shape[1:])
        return shares[:, self._rank].flatten(0, 1)


class BatchPlan:
    """Indices of the batch of any iteration, without state.

    The samples come in an endless row of passes; pass p holds each sample once, in a random
    order that depends on the seed and p alone. Iteration i takes the i-th stretch of
    ``shares.total`` samples of this row, so a batch may end one pass and begin the next.

    Args:
        size: Number of samples, N.
        seed: Seed of the orders, zero or above.
        shares: How an iteration is divided among steps and processes.

    Raises:
        InputError: if a number is not whole or too small.
    """

    def __init__(self, *, size: int, seed: int, shares: ProcessShare) -> None:
        check_whole(size=size)
        check_whole(0, seed=seed)
        self.size = size
        self.shares = shares
        self._seed = seed
        self._cached: tuple[int, Tensor] | None = None

    def indices(self, iteration: int) -> Tensor:
        """Return this process's indices in iteration ``iteration``.

        Returns:
            int64 ``[batches_per_iteration * batch_size]``, each from 0 to N - 1.
        """
        total = self.shares.total
        return self.shares.take(self.stretch(iteration * total, total))

    def stretch(self, start: int, count: int) -> Tensor:
        """Return ``count`` indices (at least one) of the endless row from position ``start``."""
        parts = []
        while count > 0:
            number, offset = divmod(start, self.size)
            parts.append(self._order(number)[offset : offset + count])
            start += len(parts[-1])
            count -= len(parts[-1])
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _order(self, number: int) -> Tensor:
        if self._cached is None or self._cached[0] != number:
            generator = seeded(self._seed, Purpose.PASS, number)
            self._cached = number, torch.randperm(self.size, generator=generator)
        return self._cached[1]
