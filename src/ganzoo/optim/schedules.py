"""Learning rate schedules that count iterations, or the images shown.

The game steps the schedules of all players once an iteration, whatever the number of discriminator
steps. Each function takes a player's optimizer and returns a scheduler of torch, whose state is
plain numbers. A run that goes on with another end follows a schedule of that end.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

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
        share = min(max(self._time - self.start, 0) / (self.end - self.start), 1.0)
        return [self._rate(float(base), share) for base in self.base_lrs]

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
) -> LRScheduler:
    """Go from the learning rate to ``final_lr`` along half a cosine wave, and stay there.

    Loshchilov and Hutter (2017, arXiv:1608.03983), equation 5, without restarts.

    Args:
        optimizer: the player's optimizer.
        end: time at the end of the half wave.
        start: time at which it begins.
        unit: of both, ``"iterations"`` or ``"images"`` shown.
        final_lr: the learning rate at the end, at least 0.

    Raises:
        InputError: if there is no end after the start or final_lr is negative.
    """
    check_not_negative(final_lr=final_lr, start=start)
    rate = partial(_cosine, final_lr)
    return TimedSchedule(optimizer, rate=rate, start=start, end=_checked(end), unit=unit)


def _linear(final_factor: float, first: float, share: float) -> float:
    return first * (1.0 - share * (1.0 - final_factor))


def _cosine(final_lr: float, first: float, share: float) -> float:
    return final_lr + (first - final_lr) * (1.0 + math.cos(math.pi * share)) / 2.0


def _checked(end: int | None) -> int:
    if end is None or end < 1:
        raise InputError(
            "a decaying schedule needs its end as optimizer.schedule.end or trainer.max_steps, a "
            f"positive number, not {end}"
        )
    return end
