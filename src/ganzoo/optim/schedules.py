"""Learning rate schedules that count iterations, or the images shown.

The game steps the schedules of all players once an iteration, whatever the number of discriminator
steps. Each function takes a player's optimizer and returns a scheduler of torch, whose state is
plain numbers. A run that goes on with another end follows a schedule of that end.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo.annealing import half_cosine
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative
from ganzoo.progress import Progress, Unit, check_unit


class TimedSchedule(LRScheduler):
    """A learning rate that is a function of how far the run has come.

    Args:
        optimizer: the player's optimizer.
        rate: from the first learning rate and the share of the way, in [0, 1], to the rate.
        start: time until which the way does not begin.
        end: time at the end of the way, where the rate stays.
        unit: of both, ``"iterations"`` or ``"images"``.

    Attributes:
        progress: how far the run has come; the game sets it before each step of the schedule.
        former_end: the end that a loaded state was on the way to, where it was another.
    """

    former_end: int | None = None

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        rate: Callable[[float, float], float],
        start: int,
        end: int,
        unit: Unit,
    ) -> None:
        if start >= end:
            raise InputError(f"a schedule must start before its end {end}, not at {start}")
        check_unit(unit)
        self._rate, self.start, self.end, self.unit = rate, start, end, unit
        self.progress: Progress | None = None
        self._time = 0
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """The rate of each group by now."""
        if self.progress is None:
            self._time = self.last_epoch if self.unit == "iterations" else self._time
        else:
            self._time = self.progress.in_unit(self.unit)
        return [self._rate(float(base), self.share) for base in self.base_lrs]

    @property
    def share(self) -> float:
        """How much of the way is behind, in [0, 1]."""
        return min(max(self._time - self.start, 0) / (self.end - self.start), 1.0)

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers: the time so far, first rates, last rates, and the end."""
        left_out = {"_rate", "former_end", "progress", "unit", "start"}
        return {name: value for name, value in super().state_dict().items() if name not in left_out}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after as much time, on the way to the end that this run has."""
        state = dict(state_dict)
        before = state.pop("end", self.end)
        super().load_state_dict(state)
        self.progress = None
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
        self.former_end = before if before != self.end else None


class BetaSchedule(TimedSchedule):
    """A schedule that moves Adam's second beta along half a cosine wave as well.

    Huang et al. (2024, arXiv:2501.05441), appendix: from 0.9 to 0.99 while the rate falls, since
    late gradients change less. Adam corrects its bias with the beta of the moment.

    Args:
        optimizer: the player's optimizer, with ``betas``.
        final_beta2: at the end of the way, in [0, 1).
        schedule: arguments of :class:`TimedSchedule`.

    Raises:
        InputError: if the optimizer has no betas, or the last one is out of range.
    """

    def __init__(self, optimizer: Optimizer, *, final_beta2: float, **schedule: Any) -> None:
        if any("betas" not in group for group in optimizer.param_groups):
            raise InputError(
                f"{type(optimizer).__name__} has no betas to move: set "
                "optimizer.schedule.final_beta2=null, or choose optimizer=adam"
            )
        if not 0 <= final_beta2 < 1:
            raise InputError(f"final_beta2 must be at least 0 and below 1, not {final_beta2}")
        self._final = final_beta2
        self.first_betas = [group["betas"][1] for group in optimizer.param_groups]
        super().__init__(optimizer, **schedule)

    def step(self, *epoch: Any) -> None:
        """Move rates and betas on."""
        super().step(*epoch)
        for group, first in zip(self.optimizer.param_groups, self.first_betas, strict=True):
            group["betas"] = (group["betas"][0], half_cosine(first, self._final, self.share))

    def state_dict(self) -> dict[str, Any]:
        """The same, less what this run's settings say."""
        state = super().state_dict()
        return {name: value for name, value in state.items() if name != "_final"}


@defaults_from("optimizer/schedule/linear")
def linear_decay(
    optimizer: Optimizer,
    *,
    end: int | None,
    start: int = FROM_CONFIG,
    unit: Unit = FROM_CONFIG,
    final_factor: float = FROM_CONFIG,
) -> LRScheduler:
    """Go from the learning rate to ``final_factor`` times it along a line, and stay there.

    With a start it is constant until then, as in pix2pix and CycleGAN (Zhu et al. 2017,
    arXiv:1703.10593, section 4), whose rate goes to zero over the second half of training.

    Args:
        optimizer: the player's optimizer.
        end: time at the end of the line.
        start: time at which the line begins.
        unit: of both, ``"iterations"`` or ``"images"`` shown.
        final_factor: the share of the learning rate that is left at the end, at least 0.

    Raises:
        InputError: if there is no end after the start or final_factor is negative.
    """
    check_not_negative(final_factor=final_factor, start=start)
    rate = partial(_linear, final_factor)
    return TimedSchedule(optimizer, rate=rate, start=start, end=_checked(end), unit=unit)


@defaults_from("optimizer/schedule/cosine")
def cosine_decay(
    optimizer: Optimizer,
    *,
    end: int | None,
    start: int = FROM_CONFIG,
    unit: Unit = FROM_CONFIG,
    final_lr: float = FROM_CONFIG,
    final_beta2: float | None = FROM_CONFIG,
) -> LRScheduler:
    """Go from the learning rate to ``final_lr`` along half a cosine wave, and stay there.

    Loshchilov and Hutter (2017, arXiv:1608.03983), equation 5, without restarts.

    Args:
        optimizer: the player's optimizer.
        end: time at the end of the half wave.
        start: time at which it begins.
        unit: of both, ``"iterations"`` or ``"images"`` shown.
        final_lr: the learning rate at the end, at least 0.
        final_beta2: Adam's second beta at the end (:class:`BetaSchedule`); None keeps it.

    Raises:
        InputError: if there is no end after the start, final_lr is negative, or there is no such
            beta to move.
    """
    check_not_negative(final_lr=final_lr, start=start)
    way: dict[str, Any] = {"rate": partial(_cosine, final_lr), "start": start, "unit": unit}
    way["end"] = _checked(end)
    if final_beta2 is None:
        return TimedSchedule(optimizer, **way)
    return BetaSchedule(optimizer, final_beta2=final_beta2, **way)


def _linear(final_factor: float, first: float, share: float) -> float:
    return first * (1.0 - share * (1.0 - final_factor))


def _cosine(final_lr: float, first: float, share: float) -> float:
    return half_cosine(first, final_lr, share)


def _checked(end: int | None) -> int:
    if end is None or end < 1:
        raise InputError(
            "a decaying schedule needs its end as optimizer.schedule.end or trainer.max_steps, a "
            f"positive number, not {end}"
        )
    return end
