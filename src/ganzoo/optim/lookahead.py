"""Lookahead: every few iterations all players go part of their way back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.optim.base import Mover, UpdateRule
from ganzoo.optim.extragradient import go_back, positions


@defaults_from("lookahead/minimax")
class Lookahead(UpdateRule):
    """Another rule's game, in which all players together step back every ``steps`` iterations.

    Chavdarova et al. (2021), "Taming GANs with Lookahead-Minmax", algorithm 1 (arXiv 2006.14567).
    Slow weights follow the players' own: ``slow <- slow + weight (own - slow)``, ``own <- slow``,
    for everybody at the same time. Own weights that circle around a point are drawn to it.

    The optimizers' moments and the running statistics of networks stay as they are. An average of
    weights sees the weights after the step back.

    Args:
        updates: How the players move between.
        steps: Iterations of the game from one step back to the next, at least 1.
        weight: The share of their way that the players keep, above 0 and at most 1; with 1 nobody
            steps back.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(
        self, updates: UpdateRule, *, steps: int = FROM_CONFIG, weight: float = FROM_CONFIG
    ) -> None:
        check_whole(steps=steps)
        if not 0 < weight <= 1:
            raise InputError(f"weight must be above 0 and at most 1, not {weight}")
        self.updates = updates
        self.differentiates_twice = updates.differentiates_twice
        self.steps = steps
        self.weight = weight
        self._slow: dict[str, list[Tensor]] = {}
        self._finished = 0

    def play(self, movers: Sequence[Mover]) -> None:
        """Move the players by the other rule, from where they are first kept."""
        new = [mover for mover in movers if mover.name not in self._slow]
        self._keep(new)
        self.updates.play(movers)

    def finish(self, movers: Sequence[Mover]) -> None:
        """Count the iteration, and step back if it is time."""
        self.updates.finish(movers)
        self._finished += 1
        if self._finished % self.steps == 0:
            self._step_back(movers)

    def state_dict(self) -> dict[str, Any]:
        """The other rule's state, the slow weights by the players' names, and the count."""
        return {
            "updates": self.updates.state_dict(),
            "slow": dict(self._slow),
            "finished": self._finished,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there, or begin where another rule was in its place."""
        self.updates.load_state_dict(state.get("updates", {}))
        self._slow = dict(state.get("slow", {}))
        self._finished = state.get("finished", 0)

    @torch.no_grad()
    def _step_back(self, movers: Sequence[Mover]) -> None:
        for mover in movers:
            slow = [s.to(p) for s, p in zip(self._slow[mover.name], mover.parameters, strict=True)]
            kept = torch._foreach_lerp(slow, [*mover.parameters], self.weight)
            go_back([mover], [list(kept)])
        self._keep(movers)

    def _keep(self, movers: Sequence[Mover]) -> None:
        for mover, position in zip(movers, positions(movers), strict=True):
            self._slow[mover.name] = position
