"""Optimizers of games as maps from a state to the next one."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole
from ganzoo.theory.game import Game

Same = TypeVar("Same", bound="UpdateOperator")


class UpdateOperator(ABC):
    """One step of an optimizer on a game, ``F: state -> state``.

    A *state* is one vector: the point ``[N]`` first, then what the optimizer remembers. F is
    made of torch functions and can be differentiated, so that its linearisation at a fixed point
    tells whether it converges there: with the modulus of the largest eigenvalue, if that is
    below 1 (Mescheder et al. 2017, arXiv:1705.10461). Every step ends with
    :meth:`Game.constrain`.
    """

    @abstractmethod
    def step(self, game: Game, state: Tensor) -> Tensor:
        """The next state; differentiable where the state requires a gradient."""

    def initial(self, game: Game, point: Tensor) -> Tensor:
        """The state with which the optimizer starts at a point ``[N]``.

        Raises:
            InputError: if the point is not one of this game.
        """
        game.split(point)
        return point.detach().clone()

    def at_rest(self, game: Game, point: Tensor) -> Tensor:
        """The state that stays as it is, if the point ``[N]`` is a fixed point of the game.

        Raises:
            InputError: if the point is not one of this game, or the optimizer has no such state.
        """
        return self.initial(game, point)

    def point(self, game: Game, state: Tensor) -> Tensor:
        """The point ``[N]`` of a state."""
        return state[: game.size]

    def with_learning_rate(self: Same, learning_rate: float) -> Same:
        """The same optimizer with another learning rate.

        Raises:
            InputError: if it is not a positive number.
        """
        return replace(self, learning_rate=learning_rate)  # type: ignore[type-var]


@defaults_from()
@dataclass(frozen=True, kw_only=True)
class CoordinateRule(ABC):
    """An optimizer of a single player, which treats all of its parameters alike.

    Its state is a matrix of rows: the parameters ``[n]`` and vectors of the same size that it
    remembers.

    Args:
        learning_rate: size of the steps, positive.

    Raises:
        InputError: if learning_rate is not a positive number.
    """

    learning_rate: float = FROM_CONFIG

    def __post_init__(self) -> None:
        check_positive(learning_rate=self.learning_rate)

    def initial(self, parameters: Tensor) -> Tensor:
        """The rows ``[1 + k, n]`` at the start, from parameters ``[n]``."""
        return parameters[None]

    def at_rest(self, parameters: Tensor) -> Tensor:
        """The rows ``[1 + k, n]`` that stay as they are where the gradient is zero."""
        return self.initial(parameters)

    @abstractmethod
    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """The next rows ``[1 + k, n]``, given the player's gradient ``[n]``."""


@defaults_from("theory/optimizer/alternating")
@dataclass(frozen=True, kw_only=True)
class GradientDescent(CoordinateRule):
    """``x <- x - lr g``, as in Goodfellow et al. (2014, arXiv:1406.2661) without momentum."""

    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """One step down the gradient."""
        return rows - self.learning_rate * gradient


@defaults_from()
@dataclass(frozen=True, kw_only=True)
class _Turns(UpdateOperator):
    """What both orders of play share.

    Args:
        rule: the optimizer that each player uses.
    """

    rule: CoordinateRule = FROM_CONFIG

    def initial(self, game: Game, point: Tensor) -> Tensor:
        """The point and the rule's memory of each player."""
        game.split(point)
        return self.rule.initial(point.detach().clone()).flatten()

    def at_rest(self, game: Game, point: Tensor) -> Tensor:
        """The point and the memory that the rule keeps where gradients are zero."""
        game.split(point)
        return self.rule.at_rest(point.detach().clone()).flatten()

    def with_learning_rate(self: Same, learning_rate: float) -> Same:
        """The same order of play, of a rule with another learning rate."""
        rule = replace(self.rule, learning_rate=learning_rate)  # type: ignore[attr-defined]
        return replace(self, rule=rule)  # type: ignore[type-var]


@defaults_from("theory/optimizer/simultaneous")
@dataclass(frozen=True, kw_only=True)
class Simultaneous(_Turns):
    """All players move at once, each from where the others were.

    With gradient descent ``x <- x - lr v(x)``: Euler's method on the game's flow. A flow that
    merely circles becomes a spiral outwards, of modulus ``sqrt(1 + lr^2)`` for ``V = xy``.

    Args:
        rule: the optimizer that each player uses.
    """

    def step(self, game: Game, state: Tensor) -> Tensor:
        """Every player's update with its gradient at the same point."""
        rows = state.view(-1, game.size)
        return _settled(game, self.rule.update(rows, game.field(rows[0])))


@defaults_from("theory/optimizer/alternating")
@dataclass(frozen=True, kw_only=True)
class Alternating(_Turns):
    """The players move in turn, each knowing where the others have gone.

    The order of Goodfellow et al. (2014, arXiv:1406.2661), Algorithm 1, and of the zoo: some
    updates of the discriminator, one of the generator. On ``V = xy`` with gradient descent and
    one update of each, the modulus is exactly 1 up to a learning rate of 2.

    Args:
        rule: the optimizer that each player uses.
        discriminator_steps: updates of the discriminator for one of each other player, at least 1.

    Raises:
        InputError: if discriminator_steps is not a whole number from 1.
    """

    discriminator_steps: int = FROM_CONFIG

    def __post_init__(self) -> None:
        check_whole(discriminator_steps=self.discriminator_steps)

    def step(self, game: Game, state: Tensor) -> Tensor:
        """The players' updates, in the order in which the game names them."""
        repeats = {"discriminator": self.discriminator_steps}
        for player in game.sizes:
            for _ in range(repeats.get(player, 1)):
                state = self._turn(game, state, player)
        return state

    def _turn(self, game: Game, state: Tensor, player: str) -> Tensor:
        rows, own = state.view(-1, game.size), game.slices[player]
        mine = self.rule.update(rows[:, own], game.gradient(player, rows[0]))
        return _settled(game, torch.cat([rows[:, : own.start], mine, rows[:, own.stop :]], dim=1))


def _settled(game: Game, rows: Tensor) -> Tensor:
    """The state of rows ``[1 + k, N]``, its point within the game's constraints."""
    return torch.cat([game.constrain(rows[0]), rows[1:].flatten()])
