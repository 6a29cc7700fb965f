"""Learning rate schedules that count generator updates.

The game steps the schedules of all players once for each generator update, whatever the number of
discriminator steps. Each function takes a player's optimizer and returns a scheduler of torch,
whose state is plain numbers. A run that goes on with another end follows a schedule of that end.
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


class Decay(LRScheduler):
    """A learning rate that is a function of the number of generator updates alone.

    Args:
        optimizer: the player's optimizer.
        rate: from the first learning rate and the share of the way, in [0, 1], to the rate.
        updates: generator updates until the end of the way, where the rate stays.

    Attributes:
        former_end: the end that a loaded state was on the way to, where it was another.
    """

    former_end: int | None = None

    def __init__(
        self, optimizer: Optimizer, *, rate: Callable[[float, float], float], updates: int
    ) -> None:
        self._rate = rate
        self.updates = updates
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """The rate of each group after the updates so far."""
        share = min(self.last_epoch / self.updates, 1.0)
        return [self._rate(float(base), share) for base in self.base_lrs]

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers: updates so far, first rates, last rates, and the end."""
        left_out = {"_rate", "former_end"}
        return {name: value for name, value in super().state_dict().items() if name not in left_out}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on after as many updates, on the way to the end that this run has."""
        state = dict(state_dict)
        before = state.pop("updates", self.updates)
        super().load_state_dict(state)
        self._last_lr = self.get_lr()
        for group, rate in zip(self.optimizer.param_groups, self._last_lr, strict=True):
            group["lr"] = rate
        self.former_end = before if before != self.updates else None


@defaults_from("schedule/linear")
def linear_decay(
    optimizer: Optimizer, *, updates: int, final_factor: float = FROM_CONFIG
) -> LRScheduler:
    """Go from the learning rate to ``final_factor`` times it along a line, and stay there.

    Args:
        optimizer: the player's optimizer.
        updates: generator updates until the end of the line.
        final_factor: the share of the learning rate that is left at the end, at least 0.

    Raises:
        InputError: if updates is not a positive number or final_factor is negative.
    """
    _check_updates(updates)
    check_not_negative(final_factor=final_factor)
    return Decay(optimizer, rate=partial(_linear, final_factor), updates=updates)


@defaults_from("schedule/cosine")
def cosine_decay(
    optimizer: Optimizer, *, updates: int, final_lr: float = FROM_CONFIG
) -> LRScheduler:
    """Go from the learning rate to ``final_lr`` along half a cosine wave, and stay there.

    Loshchilov and Hutter (2017, arXiv:1608.03983), equation 5, without restarts.

    Args:
        optimizer: the player's optimizer.
        updates: generator updates until the end of the half wave.
        final_lr: the learning rate at the end, at least 0.

    Raises:
        InputError: if updates is not a positive number or final_lr is negative.
    """
    _check_updates(updates)
    check_not_negative(final_lr=final_lr)
    return Decay(optimizer, rate=partial(_cosine, final_lr), updates=updates)


def _linear(final_factor: float, first: float, share: float) -> float:
    return first * (1.0 - share * (1.0 - final_factor))


def _cosine(final_lr: float, first: float, share: float) -> float:
    return final_lr + (first - final_lr) * (1.0 + math.cos(math.pi * share)) / 2.0


def _check_updates(updates: int | None) -> None:
    if updates is None or updates < 1:
        raise InputError(
            "a decaying schedule needs the number of generator updates as schedule.updates or "
            f"trainer.max_steps, a positive number, not {updates}"
        )
