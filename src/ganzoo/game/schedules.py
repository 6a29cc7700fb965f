"""Each player's learning rate schedule, under the player's name."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo.game.player import Player

log = logging.getLogger("ganzoo")


def schedules_of(
    players: Sequence[Player],
    optimizers: Sequence[Optimizer],
    schedule: Callable[[Optimizer], LRScheduler] | None,
) -> list[dict[str, Any]]:
    """Make each player's schedule, as Lightning's ``configure_optimizers`` returns it.

    A ``LearningRateMonitor`` logs ``lr-<player>``; where rates are constant, and so there is no
    schedule to be named, ``lr-<optimizer>/<player>``.

    Args:
        players: The players.
        optimizers: Their optimizers, in the same order.
        schedule: From an optimizer to its schedule; None keeps the rates constant.
    """
    pairs = list(zip(players, optimizers, strict=True))
    if schedule is None:
        for player, optimizer in pairs:
            if len(optimizer.param_groups) == 1:
                optimizer.param_groups[0]["name"] = player.name
        return []
    return [
        {"scheduler": schedule(optimizer), "interval": "step", "name": f"lr-{player.name}"}
        for player, optimizer in pairs
    ]


def say_new_end(schedules: Sequence[Any]) -> None:
    """Say once where the schedules of a run that goes on end now, if that has changed."""
    changed = [one for one in schedules if getattr(one, "former_end", None) is not None]
    for schedule in changed[:1]:
        log.info(
            "the schedule of learning rates ended at %d %s and now ends at %d: it goes on at %.3g",
            schedule.former_end,
            schedule.unit,
            schedule.end,
            schedule.get_last_lr()[0],
        )
