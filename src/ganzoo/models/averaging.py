"""Averages of a generator's weights over its updates."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative
from ganzoo.precision import at_least_float32


@defaults_from()
class MovingAverage(nn.Module, ABC):
    """A copy of a network whose weights are an average of what the network's own have been.

    Averages are float32 or better, also of weights in half precision, which has no numbers for
    what one update adds to an average. Until ``start_step`` it is a plain copy. Buffers (running
    statistics) are always copied: an average of counts and of statistics of other weights means
    nothing.

    ``torch.optim.swa_utils`` does the arithmetic. Its ``AveragedModel`` is not used because it
    reads a counter back from the device at every update.

    Args:
        network: The network to follow.
        start_step: Number of updates before which the average is a copy.

    Raises:
        InputError: if ``start_step`` is negative.
    """

    def __init__(self, network: nn.Module, *, start_step: int) -> None:
        super().__init__()
        check_not_negative(start_step=start_step)
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.start_step = start_step

    @abstractmethod
    def average(self, averages: list[Tensor], weights: list[Tensor], count: int) -> None:
        """Change averages in place.

        Args:
            averages: Of all weights so far.
            weights: The weights after one more update.
            count: How many weights the averages are made of.
        """

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow one update of the network.

        Args:
            network: The network followed.
            step: Number of its updates so far, this one included.
        """
        averages: list[Tensor] = list(self.network.parameters())
        pairs = zip(averages, network.parameters(), strict=True)
        weights = [weight.to(average.dtype) for average, weight in pairs]
        if step <= self.start_step:
            torch._foreach_copy_(averages, weights)
        else:
            self.average(averages, weights, step - self.start_step)
        buffers = list(self.network.buffers())
        if buffers:
            torch._foreach_copy_(buffers, list(network.buffers()))

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "MovingAverage":
        def kept(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return at_least_float32(moved) if moved.is_floating_point() else moved

        super()._apply(kept, recurse)  # type: ignore[no-untyped-call]
        return self


@defaults_from("ema/exponential")
class ExponentialMovingAverage(MovingAverage):
    """An average in which the past counts less and less.

    After each update, average = decay * average + (1 - decay) * weights (Yazici et al., 2019,
    "The Unusual Effectiveness of Averaging in GAN Training", arXiv 1806.04498, equation 2).

    Args:
        network: The network to follow.
        decay: Weight of the past, in [0, 1).
        start_step: Number of updates before which the average is a copy.

    Raises:
        InputError: if ``decay`` is not in [0, 1) or ``start_step`` is negative.
    """

    def __init__(
        self, network: nn.Module, *, decay: float = FROM_CONFIG, start_step: int = FROM_CONFIG
    ) -> None:
        super().__init__(network, start_step=start_step)
        if not 0.0 <= decay < 1.0:
            raise InputError(f"ema.decay must be at least 0 and below 1, not {decay}")
        self.decay = decay

    def average(self, averages: list[Tensor], weights: list[Tensor], count: int) -> None:
        """Move the averages towards the weights."""
        get_ema_multi_avg_fn(self.decay)(averages, weights, None)  # type: ignore[no-untyped-call]


@defaults_from("ema/uniform")
class UniformAverage(MovingAverage):
    """The mean of the weights since an update, all of which count the same.

    Gidel et al. (2019), "A Variational Inequality Perspective on Generative Adversarial
    Networks", section 2.3 (arXiv 1802.10551): the mean of iterates that circle around a solution
    comes near it, at the rate of 1 over their number. The weights at ``start_step``, or the first
    ones, are part of the mean.

    Args:
        network: The network to follow.
        start_step: Number of updates before which the average is a copy.

    Raises:
        InputError: if ``start_step`` is negative.
    """

    def __init__(self, network: nn.Module, *, start_step: int = FROM_CONFIG) -> None:
        super().__init__(network, start_step=start_step)

    def average(self, averages: list[Tensor], weights: list[Tensor], count: int) -> None:
        """Take the weights into the mean."""
        get_swa_multi_avg_fn()(averages, weights, count)  # type: ignore[no-untyped-call]
