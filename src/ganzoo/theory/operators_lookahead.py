"""Lookahead around another operator."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.theory.game import Game
from ganzoo.theory.operators import UpdateOperator


@defaults_from("theory/optimizer/lookahead")
@dataclass(frozen=True, kw_only=True)
class LookaheadMinimax(UpdateOperator):
    """Take some steps of another operator, then go back part of the way, all players at once.

    Chavdarova et al. (2021, arXiv:2006.14567). If the other operator's linearisation
    has eigenvalues mu and no memory, this has ``1 - a + a mu^k``. One step of this operator is k
    steps of the other and one interpolation; what the other remembers is kept through it.

    Args:
        operator: the other one.
        steps: k, at least 1.
        interpolation: a, the share of the way that is kept, above 0 and at most 1.

    Raises:
        InputError: if a number is out of range.
    """

    operator: UpdateOperator = FROM_CONFIG
    steps: int = FROM_CONFIG
    interpolation: float = FROM_CONFIG

    def __post_init__(self) -> None:
        check_whole(steps=self.steps)
        if not 0 < self.interpolation <= 1:
            raise InputError(
                f"interpolation must be above 0 and at most 1, not {self.interpolation}"
            )

    def initial(self, game: Game, point: Tensor) -> Tensor:
        """The other operator's state."""
        return self.operator.initial(game, point)

    def at_rest(self, game: Game, point: Tensor) -> Tensor:
        """The other operator's state at rest."""
        return self.operator.at_rest(game, point)

    def with_learning_rate(self, learning_rate: float) -> "LookaheadMinimax":
        """Lookahead around the other operator with another learning rate."""
        return replace(self, operator=self.operator.with_learning_rate(learning_rate))

    def step(self, game: Game, state: Tensor) -> Tensor:
        """Go ahead and part of the way back."""
        slow = self.point(game, state)
        for _ in range(self.steps):
            state = self.operator.step(game, state)
        point = torch.lerp(slow, self.point(game, state), self.interpolation)
        return torch.cat([game.constrain(point), state[game.size :]])
