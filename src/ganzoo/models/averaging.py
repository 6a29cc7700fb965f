"""Exponential moving average of a generator's weights."""

import copy

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ganzoo.errors import InputError, check_not_negative


class ExponentialMovingAverage(nn.Module):
    """A copy of a network whose weights are a moving average of the network's own.

    After each update, average = decay * average + (1 - decay) * weights (Yazici et al., 2019,
    "The Unusual Effectiveness of Averaging in GAN Training", arXiv 1806.04498, equation 2).
    Until ``start_step`` it is a plain copy. Buffers (running statistics) are always copied: an
    average of counts and of statistics of other weights means nothing.

    ``torch.optim.swa_utils`` does the arithmetic. Its ``AveragedModel`` is not used because it
    reads a counter back from the device at every update.

    Args:
        network: The network to follow.
        decay: Weight of the past, in [0, 1).
        start_step: Number of updates before which the average is a copy.

    Raises:
        InputError: if ``decay`` is not in [0, 1) or ``start_step`` is negative.
    """

    def __init__(self, network: nn.Module, *, decay: float, start_step: int) -> None:
        super().__init__()
        check_not_negative(start_step=start_step)
        if not 0.0 <= decay < 1.0:
            raise InputError(f"ema.decay must be at least 0 and below 1, not {decay}")
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.start_step = start_step
        self._average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow one update of the network.

        Args:
            network: The network followed.
            step: Number of its updates so far, this one included.
        """
        averages: list[Tensor] = list(self.network.parameters())
        weights: list[Tensor] = list(network.parameters())
        if step <= self.start_step:
            torch._foreach_copy_(averages, weights)
        else:
            self._average(averages, weights, None)
        buffers = list(self.network.buffers())
        if buffers:
            torch._foreach_copy_(buffers, list(network.buffers()))
