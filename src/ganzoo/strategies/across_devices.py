"""Means over all processes that gradients flow through."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed
from torch import Tensor


def world_size() -> int:
    """Number of processes that train together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_world_size()
    return 1


def mean_across_devices(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Replace each tensor by its mean over all processes; all of them must call this.

    A term that is no mean over samples (the norm of a mean, a loss after a step along a mean
    gradient) is that of all samples only if what is inside it is averaged before. Every process
    has a loss of its own, and the game averages the gradients of parameters, so the gradient by
    the mean of all is the mean of what the losses give it.

    Args:
        tensors: Of one data type and one device, the same shapes in every process.

    Returns:
        The means, of the same shapes; with one process the tensors themselves.
    """
    if world_size() == 1:
        return list(tensors)
    flat = _Mean.apply(torch.cat([tensor.flatten() for tensor in tensors]))
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]


class _Mean(torch.autograd.Function):
    """The mean over processes. Each gets the sum of gradients by it, and 1 / N of that is its."""

    @staticmethod
    def forward(context: Any, mine: Tensor) -> Tensor:
        return _summed(mine) / world_size()

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0]) / world_size()


def _summed(mine: Tensor) -> Tensor:
    total = mine.detach().clone()
    torch.distributed.all_reduce(total)
    return total
