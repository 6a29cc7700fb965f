"""Averages of a module's weights over the iterations."""

import copy
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn

from ganzoo.annealing import CosineAnnealing, value_before
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive
from ganzoo.precision import KeptInFloat32
from ganzoo.progress import Progress, Unit, check_unit


@defaults_from()
class MovingAverage(KeptInFloat32, ABC):
    """A copy of a network whose weights are an average of what the network's own have been.

    Averages are float32 or better, also of weights in half precision, which has no numbers for
    what one update adds to an average. Until ``start_step`` it is a plain copy. Buffers (running
    statistics) are always copied: an average of counts and of statistics of other weights means
    nothing.

    ``torch.optim.swa_utils`` does the arithmetic. Its ``AveragedModel`` is not used because it
    reads a counter back from the device at every update.

    Args:
        network: The network to follow.
        start_step: Number of iterations before which the average is a copy.

    Raises:
        InputError: if ``start_step`` is negative.
    """

    def __init__(self, network: nn.Module, *, start_step: int) -> None:
        super().__init__()
        check_not_negative(start_step=start_step)
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.start_step = start_step

    @abstractmethod
    def average(self, averages: list[Tensor], weights: list[Tensor], progress: Progress) -> None:
        """Change averages in place.

        Args:
            averages: Of all weights so far.
            weights: The weights after one more iteration.
            progress: How far the run has come with it.
        """

    @torch.no_grad()
    def update(self, network: nn.Module, progress: Progress) -> None:
        """Follow one iteration of the network.

        Args:
            network: The network followed.
            progress: How far the run has come, this iteration included.
        """
        averages: list[Tensor] = list(self.network.parameters())
        pairs = zip(averages, network.parameters(), strict=True)
        weights = [weight.to(average.dtype) for average, weight in pairs]
        if progress.iterations <= self.start_step:
            torch._foreach_copy_(averages, weights)
        else:
            self.average(averages, weights, progress)
        buffers = list(self.network.buffers())
        if buffers:
            torch._foreach_copy_(buffers, list(network.buffers()))


@defaults_from("optimizer/ema/exponential")
class ExponentialMovingAverage(MovingAverage):
    """An average in which the past counts less and less.

    After each iteration, average = decay * average + (1 - decay) * weights (Yazici et al., 2019,
    "The Unusual Effectiveness of Averaging in GAN Training", arXiv 1806.04498, equation 2).

    A half-life h says the same: decay = 0.5 ** (step / h), where a step is one iteration, or its
    images (Karras et al., 2018, arXiv 1710.10196). With a ramp r it is at most r times what has
    been shown so far, so that the average soon forgets the first weights (Karras et al., 2020,
    arXiv 2006.06676, whose r is 0.05).

    Args:
        network: The network to follow.
        decay: Weight of the past, in [0, 1); None where there is a half-life.
        half_life: After how much time weights count half, positive, or how that changes
            (:class:`~ganzoo.annealing.CosineAnnealing`); None where there is a decay.
        unit: What half-lives are measured in, ``"iterations"`` or ``"images"``.
        ramp: Share of the time so far that bounds the half-life, positive; None for no bound.
        start_step: Number of iterations before which the average is a copy.

    Raises:
        InputError: if a number is out of range, or there is not one of decay and half-life.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        decay: float | None = FROM_CONFIG,
        half_life: float | CosineAnnealing | None = FROM_CONFIG,
        unit: Unit = FROM_CONFIG,
        ramp: float | None = FROM_CONFIG,
        start_step: int = FROM_CONFIG,
    ) -> None:
        super().__init__(network, start_step=start_step)
        if (decay is None) == (half_life is None):
            raise InputError(
                "give one of optimizer.ema.decay and ema.half_life, and null for the other"
            )
        if decay is not None and not 0.0 <= decay < 1.0:
            raise InputError(f"optimizer.ema.decay must be at least 0 and below 1, not {decay}")
        if half_life is None and ramp is not None:
            raise InputError("ema.ramp bounds a half-life: give ema.half_life, and decay=null")
        given = {"ema.half_life": half_life, "ema.ramp": ramp}
        fixed = {k: v for k, v in given.items() if not isinstance(v, CosineAnnealing | None)}
        check_positive(**fixed)
        check_unit(unit)
        self.decay, self.half_life, self.unit, self.ramp = decay, half_life, unit, ramp

    def average(self, averages: list[Tensor], weights: list[Tensor], progress: Progress) -> None:
        """Move the averages towards the weights."""
        decay = self.decay_at(progress)
        get_ema_multi_avg_fn(decay)(averages, weights, None)  # type: ignore[no-untyped-call]

    def decay_at(self, progress: Progress) -> float:
        """Weight of the past in the iteration that led here."""
        if self.decay is not None:
            return self.decay
        half_life = value_before(self.half_life or 1, progress.before_last())
        if self.ramp is not None:
            half_life = min(half_life, self.ramp * progress.in_unit(self.unit))
        return float(0.5 ** (progress.step_in_unit(self.unit) / max(half_life, 1e-8)))


@defaults_from("optimizer/ema/uniform")
class UniformAverage(MovingAverage):
    """The mean of the weights since an update, all of which count the same.

    Gidel et al. (2019), "A Variational Inequality Perspective on Generative Adversarial
    Networks", section 2.3 (arXiv 1802.10551): the mean of iterates that circle around a solution
    comes near it, at the rate of 1 over their number. The weights at ``start_step``, or the first
    ones, are part of the mean.

    Args:
        network: The network to follow.
        start_step: Number of iterations before which the average is a copy.

    Raises:
        InputError: if ``start_step`` is negative.
    """

    def __init__(self, network: nn.Module, *, start_step: int = FROM_CONFIG) -> None:
        super().__init__(network, start_step=start_step)

    def average(self, averages: list[Tensor], weights: list[Tensor], progress: Progress) -> None:
        """Take the weights into the mean."""
        count = progress.iterations - self.start_step
        get_swa_multi_avg_fn()(averages, weights, count)  # type: ignore[no-untyped-call]
