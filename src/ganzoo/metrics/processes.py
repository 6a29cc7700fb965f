"""The processes that share the work of an evaluation: all of torch.distributed's default group."""

from typing import TypeVar

import torch
from torch import Tensor, distributed
from torchmetrics.utilities.distributed import gather_all_tensors

T = TypeVar("T")


def world_size() -> int:
    """Number of processes; 1 without ``torch.distributed``."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size()
    return 1


def rank() -> int:
    """Number of this process, from 0."""
    return distributed.get_rank() if world_size() > 1 else 0


def batch_starts(count: int, batch_size: int, *, rank: int, world_size: int) -> range:
    """The first indices of a process's batches.

    Batches are the same whatever the number of processes, so that their features are, too. Each
    process has at least one: where there are too few, the last ones have the last one again.

    Args:
        count: Samples in all, at least 1.
        batch_size: Samples in a batch.
        rank: Number of the process.
        world_size: Number of processes.
    """
    batches = -(-count // batch_size)
    each = -(-batches // world_size)
    first = min(rank * each, batches - 1)
    last = max(first + 1, min(first + each, batches))
    return range(first * batch_size, last * batch_size, batch_size)


def gather(own: Tensor) -> Tensor:
    """Join the rows of all processes in their order; every process must call this.

    Args:
        own: Rows ``[N, ...]`` of this process, on the CPU; N may differ, the rest not.

    Returns:
        All rows, on the CPU.
    """
    if world_size() == 1:
        return own
    # NCCL exchanges what is on the process's GPU, which is torch's current one.
    place = "cuda" if distributed.get_backend() == distributed.Backend.NCCL else "cpu"
    return torch.cat([rows.cpu() for rows in gather_all_tensors(own.to(place))])


def broadcast(value: T) -> T:
    """The first process's value, for which all others wait; every process must call this."""
    if world_size() == 1:
        return value
    values = [value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]
