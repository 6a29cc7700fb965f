"""Operators that look ahead with one gradient and move with another."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.theory.game import Game
from ganzoo.theory.operators import UpdateOperator


@defaults_from()
@dataclass(frozen=True, kw_only=True)
class RatedOperator(UpdateOperator):
    """An operator with one learning rate for all players.

    Args:
        learning_rate: size of the steps, positive.

    Raises:
        InputError: if it is not a positive number.
    """

    learning_rate: float = FROM_CONFIG

    def __post_init__(self) -> None:
        check_positive(learning_rate=self.learning_rate)


@defaults_from("theory/optimizer/extragradient")
@dataclass(frozen=True, kw_only=True)
class Extragradient(RatedOperator):
    """``y = x - lr v(x)``, then ``x <- x - lr v(y)``: two gradients for each step.

    Korpelevich (1976); for GANs Gidel et al. (2019, arXiv:1802.10551). On ``V = xy``
    the modulus is ``sqrt((1 - lr^2)^2 + lr^2)``, below 1 for lr < 1.

    Departures: one learning rate for both steps.
    """

    def step(self, game: Game, state: Tensor) -> Tensor:
        """Extrapolate, and move by the gradient found there."""
        ahead = game.constrain(state - self.learning_rate * game.field(state))
        return game.constrain(state - self.learning_rate * game.field(ahead))


@defaults_from("theory/optimizer/extrapolation_from_the_past")
@dataclass(frozen=True, kw_only=True)
class ExtrapolationFromThePast(RatedOperator):
    """``y = x - lr v(y_past)``, then ``x <- x - lr v(y)``: one gradient for each step.

    Popov (1980); for GANs Gidel et al. (2019, arXiv:1802.10551). The gradient with
    which it extrapolates is that of the last extrapolated point. Without constraints the points y
    are those of :class:`~ganzoo.theory.operators_memory.Optimistic`, as the paper shows.
    """

    def initial(self, game: Game, point: Tensor) -> Tensor:
        """The point, and its gradient as that of the past."""
        game.split(point)
        point = point.detach().clone()
        return torch.cat([point, game.field(point)])

    def step(self, game: Game, state: Tensor) -> Tensor:
        """Extrapolate with the old gradient, and move by the new one."""
        point, past = state.view(2, game.size)
        gradient = game.field(game.constrain(point - self.learning_rate * past))
        return torch.cat([game.constrain(point - self.learning_rate * gradient), gradient])
