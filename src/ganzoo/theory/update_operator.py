"""Update rules and optimizers that train, as maps from a state of a game to the next one."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.game.player import Player
from ganzoo.optim.base import UpdateRule
from ganzoo.theory.differentiation import jacobian_by_differences
from ganzoo.theory.game import DifferentiableGame, as_vector

# How far a step from rest may go.
AT_REST = 1e-7


@defaults_from("theory/optimizer/alternating")
@dataclass(frozen=True, kw_only=True)
class UpdateOperator:
    """One step of an optimizer on a game, ``F: state -> state``.

    A *state* is one vector: the point ``[N]`` first, then what optimizers and update rule remember,
    but for the numbers that count their steps. The step is that of the very objects that train,
    and its linearisation at a fixed point tells whether it converges there: with the modulus of
    the largest eigenvalue, if that is below 1 (Mescheder et al. 2017, arXiv:1705.10461).

    Args:
        update_rule: How the players move in an iteration, of :mod:`ganzoo.optim`; without a past.
        optimizer: From a player's parameters to its optimizer, which takes ``lr``.
        discriminator_steps: Of the discriminator, for one of each other player, at least 1.
        iterations: Of the update rule in one step of the operator, at least 1: as many as it takes
            to come round, where iterations differ.

    Raises:
        InputError: if a number is out of range.
    """

    optimizer: Callable[..., Optimizer]
    update_rule: UpdateRule = FROM_CONFIG
    discriminator_steps: int = FROM_CONFIG
    iterations: int = FROM_CONFIG

    def __post_init__(self) -> None:
        check_whole(discriminator_steps=self.discriminator_steps, iterations=self.iterations)

    def with_learning_rate(self, learning_rate: float) -> "UpdateOperator":
        """The same operator with another learning rate.

        Raises:
            InputError: if it is not a positive number.
        """
        check_positive(learning_rate=learning_rate)
        return replace(self, optimizer=partial(self.optimizer, lr=learning_rate))

    def linearisation(self, game: DifferentiableGame, point: Tensor) -> Tensor:
        """The derivative ``[S, S]`` of a step in its state, at rest at a fixed point ``[N]``.

        Raises:
            InputError: if the operator does not rest there, or has no derivative.
        """
        dynamics = Dynamics(self, game, point)
        dynamics.step()  # what is remembered of a fixed point
        rest = dynamics.state()
        step = dynamics.map()
        derivative, smooth = jacobian_by_differences(step, rest)
        if not smooth or not bool((step(rest) - rest).abs().max() <= AT_REST):
            name = type(game.players[0].optimizer).__name__
            raise InputError(
                f"a step of {name} is not proportional to a small distance from the fixed point: "
                "Adam and RMSprop divide by the size of gradients, which is zero there; choose "
                "frozen_adam, whose divisor stays as it is"
            )
        return derivative


class Dynamics:
    """A game on its way: where the players are, what is remembered, and the next step.

    It puts optimizers of its own into the game's players, so that a game is in one at a time.

    Args:
        operator: What moves the players.
        game: The game.
        start: Where they start, ``[N]``; constraints on weights hold from there on.

    Raises:
        InputError: if the start is no point of this game.
    """

    def __init__(self, operator: UpdateOperator, game: DifferentiableGame, start: Tensor) -> None:
        game.move_to(start)
        self.game, self._iterations = game, operator.iterations
        self._rule = copy.deepcopy(operator.update_rule)
        for player in game.players:
            player.optimizer = operator.optimizer(player.parameters)
            player.steps = operator.discriminator_steps if player.role == "discriminator" else 1
            for constraint in player.constraints:
                constraint.project(player.parameters)

    def step(self) -> None:
        """Make one step of the operator."""
        with torch.random.fork_rng(devices=[]):
            for _ in range(self._iterations):
                play_iteration(self._rule, self.game.players)

    def state(self) -> Tensor:
        """The point and what is remembered, ``[S]``."""
        leaves, _ = self._memory()
        return as_vector([*self.game.parameters, *filter(_is_remembered, leaves)]).detach()

    def map(self) -> Callable[[Tensor], Tensor]:
        """The step as a function from a state ``[S]`` to the next one, to which the game goes.

        Counts of steps are always those of now.
        """
        leaves, tree = self._memory()
        now = [_copy(leaf) for leaf in leaves]

        def step(state: Tensor) -> Tensor:
            self._set(state, now, tree)
            self.step()
            return self.state()

        return step

    def _memory(self) -> tuple[list[Any], TreeSpec]:
        """What optimizers and update rule remember."""
        remembered = [dict(optimizer.state[p]) for optimizer, p in self._optimized()]
        return tree_flatten([remembered, self._rule.state_dict()])

    def _set(self, state: Tensor, leaves: Sequence[Any], tree: TreeSpec) -> None:
        """Go to a state; what is no part of it comes from the leaves."""
        self.game.move_to(state[: self.game.size])
        sizes = [leaf.numel() for leaf in leaves if _is_remembered(leaf)]
        parts = iter(torch.split(state[self.game.size :].clone(), sizes))
        new = [next(parts).view_as(x) if _is_remembered(x) else _copy(x) for x in leaves]
        remembered, of_rule = tree_unflatten(new, tree)
        for (optimizer, parameter), own in zip(self._optimized(), remembered, strict=True):
            optimizer.state[parameter] = own
        self._rule.load_state_dict(of_rule)

    def _optimized(self) -> list[tuple[Optimizer, nn.Parameter]]:
        return [(player.optimizer, p) for player in self.game.players for p in player.parameters]


def play_iteration(rule: UpdateRule, players: Sequence[Player]) -> None:
    """Let a rule move the players once: who makes fewer steps than others makes the last ones."""
    for remaining in reversed(range(max(player.steps for player in players))):
        rule.step([player for player in players if player.steps > remaining])
    if hasattr(rule, "end_iteration"):
        rule.end_iteration(players)


def _is_remembered(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.dim() > 0


def _copy(leaf: Any) -> Any:
    return leaf.clone() if isinstance(leaf, Tensor) else leaf
