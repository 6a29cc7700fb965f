"""Extragradient that looks ahead along the last gradient instead of a new one."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.optim.base import SteppingPlayer, UpdateRule
from ganzoo.optim.extragradient import copied_parameters, restore_parameters


class PastExtragradient(UpdateRule):
    """Extrapolation from the past: one gradient for each player in an iteration.

    Popov (1980), and Gidel et al. (2019, arXiv 1802.10551), algorithm 3, with optimizers of
    Adam's kind algorithm 4 with option 2. Players step at once along the gradients of the last
    point ahead, differentiate there, keep these gradients, go back and step along them.

    A player without a past, in its first update, does not extrapolate: Popov's sequence of points
    ahead begins where the players are. Departures: iterates are not averaged, see
    ``optimizer.ema=uniform``, and constraints on weights also hold at the point ahead. The rule
    remembers one gradient for each player.
    """

    def __init__(self) -> None:
        self._past: dict[str, list[Tensor]] = {}

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Extrapolate those who have a past, compute gradients there, restore, step."""
        start = copied_parameters(players)
        for player in players:
            if player.name in self._past:
                player.set_gradients(self._of_last_time(player))
                player.extrapolate()
        for player in players:
            player.compute_gradients()
            self._past[player.name] = player.gradients()
        restore_parameters(players, start)
        for player in players:
            player.step()

    def state_dict(self) -> dict[str, Any]:
        """The last gradients by the players' names."""
        return {"past": dict(self._past)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from those gradients, or without a past where another rule was in its place."""
        self._past = dict(state.get("past", {}))

    def _of_last_time(self, player: SteppingPlayer) -> list[Tensor]:
        past = self._past[player.name]
        return [g.to(p) for g, p in zip(past, player.parameters, strict=True)]
