"""The mean over all processes of one player's gradients."""

from collections.abc import Sequence

import torch
import torch.distributed
from torch import Tensor, nn


@torch.no_grad()
def average_gradients(parameters: Sequence[nn.Parameter], world_size: int) -> None:
    """Replace each gradient by its mean over all processes; every process must call this.

    What is sent is as large as the parameters, whatever the backward passes reached: a parameter
    without a gradient counts as zero where another process has one, as its half of a batch would
    in a single process, and stays without where no process has one, so that an optimizer leaves
    it alone. The processes need not agree on which these are.

    Args:
        parameters: The parameters, the same and in the same order in every process.
        world_size: Number of processes.
    """
    for group in _by_type(parameters):
        _average(group, world_size)


def _average(parameters: list[nn.Parameter], world_size: int) -> None:
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    # Nobody's gradient is told from a gradient of zero by its sign: a sum is -0.0 only where
    # every process sent -0.0, and adding 0.0 leaves none in the gradients there are.
    flat.mul_(1 / world_size).add_(0.0)
    means = torch.split(flat, [gradient.numel() for gradient in gradients])
    absent = [index for index, p in enumerate(parameters) if p.grad is None]
    for index in absent:
        means[index].fill_(-0.0)
    torch.distributed.all_reduce(flat)
    shaped = [mean.view_as(p) for mean, p in zip(means, parameters, strict=True)]
    torch._foreach_copy_(gradients, shaped)
    _adopt([(parameters[index], gradients[index]) for index in absent])


def _adopt(absent: list[tuple[nn.Parameter, Tensor]]) -> None:
    """Give parameters that had no gradient here the mean of those that others had."""
    if not absent:
        return  # the usual case, in which the host never waits for the device
    elsewhere = torch.stack([(~(mean.eq(0) & mean.signbit())).any() for _, mean in absent])
    for (parameter, mean), found in zip(absent, elsewhere.tolist(), strict=True):
        if found:
            parameter.grad = mean


def _by_type(parameters: Sequence[nn.Parameter]) -> list[list[nn.Parameter]]:
    groups: dict[torch.dtype, list[nn.Parameter]] = {}
    for parameter in parameters:
        groups.setdefault(parameter.dtype, []).append(parameter)
    return list(groups.values())
