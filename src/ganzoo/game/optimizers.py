"""Each player's optimizer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.optim import Optimizer

from ganzoo.errors import InputError, described
from ganzoo.game.own_parts import check_functions
from ganzoo.game.player import Player

Factories = Mapping[str, Callable[..., Optimizer]] | Callable[..., Optimizer]
"""For each player's name a function from parameters to an optimizer, or one for all players."""


def check_optimizers(optimizers: Any) -> None:
    """Refuse what makes no optimizers.

    Raises:
        InputError: naming the player, and what was given for it.
    """
    if isinstance(optimizers, Mapping):
        check_functions(**{f"optimizers[{name!r}]": made for name, made in optimizers.items()})
    elif not callable(optimizers) or isinstance(optimizers, Optimizer):
        raise InputError(
            "optimizers must be a dictionary from players' names to functions, or one function "
            "for all, such as functools.partial(torch.optim.Adam, lr=2e-4); it is "
            f"{described(optimizers)}"
        )


def optimizers_of(players: Sequence[Player], factories: Factories) -> list[Optimizer]:
    """Make each player's optimizer.

    Raises:
        InputError: if a player has none, or what the optimizer says of wrong settings.
    """
    if not isinstance(factories, Mapping):
        return [_optimizer_of(player, factories) for player in players]
    missing = {player.name for player in players} - set(factories)
    if missing:
        raise InputError(f"no optimizer for {' and '.join(sorted(missing))}: set optimizers")
    return [_optimizer_of(player, factories[player.name]) for player in players]


def _optimizer_of(player: Player, factory: Callable[..., Optimizer]) -> Optimizer:
    if not player.parameters:
        raise InputError(f"the {player.name} has no weights to train: call model.unfreeze()")
    try:
        made = factory(player.parameters)
    except (TypeError, ValueError) as error:
        raise InputError(f"the optimizer of the {player.name}: {error}") from error
    if not isinstance(made, Optimizer):
        raise InputError(
            f"the optimizer of the {player.name}: what its function makes is {described(made)}"
        )
    return made
