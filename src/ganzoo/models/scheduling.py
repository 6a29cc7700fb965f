"""Each player's learning rate schedule, under the player's name."""

from collections.abc import Callable, Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo.models.player import Player


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
