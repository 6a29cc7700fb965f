"""Which penalties act on which player."""

from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.errors import InputError, nearest
from ganzoo.game.player import Player
from ganzoo.penalties.constraint import Constraint


def assign_penalties(penalties: Mapping[str, Any], players: Sequence[Player]) -> None:
    """Give each penalty to the player that it names.

    Raises:
        InputError: if there is no such player, it is none that the penalty can act on, or another
            that the penalty needs is not there.
    """
    known = {player.name: player for player in players}
    for name, penalty in penalties.items():
        player = known.get(penalty.on)
        if player is None:
            raise InputError(
                f"penalty {name}: no player is named {penalty.on!r}: "
                f"{nearest(penalty.on, list(known))}"
            )
        _check_role(name, penalty, player, players)
        if isinstance(penalty, Constraint):
            player.constraints.append(penalty)
        else:
            player.penalties[name] = penalty


def check_unchanged(penalties: Mapping[str, Any], players: Sequence[Player]) -> None:
    """Refuse penalties that are not those that the players were given when the model was built.

    Raises:
        InputError: naming one that came later, or saying that one is gone.
    """
    acting = {p for player in players for p in (*player.penalties.values(), *player.constraints)}
    late = [name for name, penalty in penalties.items() if penalty not in acting]
    if late or acting - set(penalties.values()):
        what = f"{late[0]!r} came later" if late else "one of them is gone"
        raise InputError(
            f"penalties act from when a model is built, and {what}: build it with "
            "penalties={...}, or set the weight of one that is there"
        )


def _check_role(name: str, penalty: Any, player: Player, players: Sequence[Player]) -> None:
    if penalty.needs and penalty.needs not in [other.role for other in players]:
        raise InputError(
            f"penalty {name} needs a {penalty.needs} of latents, and there is none: leave it out"
        )
    if not penalty.role or penalty.role == player.role:
        return
    fitting = [other.name for other in players if other.role == penalty.role]
    advice = f"set penalty.{name}.on={fitting[0]}" if fitting else "leave it out"
    raise InputError(
        f"penalty {name} acts on a {penalty.role}, and {player.name} is none: {advice}"
    )
