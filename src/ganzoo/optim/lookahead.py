"""Lookahead: every few iterations all players go part of their way back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.optim.base import SteppingPlayer, UpdateRule
from ganzoo.optim.extragradient import copied_parameters, restore_parameters


@defaults_from("optimizer/lookahead/minimax")
class Lookahead(UpdateRule):
    """Another rule, after which all players together step back every ``steps`` iterations.

    Chavdarova et al. (2021), "Taming GANs with Lookahead-Minmax", algorithm 1 (arXiv 2006.14567).
    Slow weights follow the players' own: ``slow <- slow + weight (own - slow)``, ``own <- slow``,
    for all players at the same time. Own weights that circle around a point are drawn to it.

    The optimizers' moments and the running statistics of networks stay as they are. An average of
    weights sees the weights after the step back.

    Args:
        update_rule: How the players step between.
        steps: Iterations from one step back to the next, at least 1.
        weight: The share of their way that the players keep, above 0 and at most 1; with 1 they
            do not step back.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(
        self, update_rule: UpdateRule, *, steps: int = FROM_CONFIG, weight: float = FROM_CONFIG
    ) -> None:
        check_whole(steps=steps)
        if not 0 < weight <= 1:
            raise InputError(f"weight must be above 0 and at most 1, not {weight}")
        self.update_rule = update_rule
        self.differentiates_twice = update_rule.differentiates_twice
        self.steps = steps
        self.weight = weight
        self._slow: dict[str, list[Tensor]] = {}
        self._finished = 0

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Step by the other rule; who steps for the first time is kept before it."""
        new = [player for player in players if player.name not in self._slow]
        self._keep(new)
        self.update_rule.step(players)

    def end_iteration(self, players: Sequence[SteppingPlayer]) -> None:
        """Count the iteration, and step back if it is time."""
        if hasattr(self.update_rule, "end_iteration"):
            self.update_rule.end_iteration(players)
        self._finished += 1
        if self._finished % self.steps == 0:
            self._step_back(players)

    def state_dict(self) -> dict[str, Any]:
        """The other rule's state, the slow weights by the players' names, and the count."""
        return {
            "update_rule": self.update_rule.state_dict(),
            "slow": dict(self._slow),
            "finished": self._finished,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there, or begin where another rule was in its place."""
        self.update_rule.load_state_dict(state.get("update_rule", {}))
        self._slow = dict(state.get("slow", {}))
        self._finished = state.get("finished", 0)

    @torch.no_grad()
    def _step_back(self, players: Sequence[SteppingPlayer]) -> None:
        for player in players:
            slow = [
                s.to(p) for s, p in zip(self._slow[player.name], player.parameters, strict=True)
            ]
            kept = torch._foreach_lerp(slow, [*player.parameters], self.weight)
            restore_parameters([player], [list(kept)])
        self._keep(players)

    def _keep(self, players: Sequence[SteppingPlayer]) -> None:
        for player, copy in zip(players, copied_parameters(players), strict=True):
            self._slow[player.name] = copy
