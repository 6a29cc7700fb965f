"""Competitive gradient descent."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.errors import InputError
from ganzoo.theory.differentiation import rows_of_derivatives
from ganzoo.theory.game import Game
from ganzoo.theory.operators_extrapolation import RatedOperator


@defaults_from("theory/optimizer/competitive_gradient_descent")
@dataclass(frozen=True, kw_only=True)
class CompetitiveGradientDescent(RatedOperator):
    """Both players move to the Nash equilibrium of a local, regularised bilinear game.

    Schaefer and Anandkumar (2019, arXiv:1905.12103). With the players' parameters x and y, their
    objectives f and g, and mixed derivatives ``D_xy f`` and ``D_yx g``,

        dx = -lr (1 - lr^2 D_xy f D_yx g)^-1 (grad_x f - lr D_xy f grad_y g),

    and the same for y with the players exchanged. On ``V = xy`` it is the implicit method, of
    modulus ``1 / sqrt(1 + lr^2)`` for any learning rate.

    Departures: the matrices are built and solved with directly, where the authors use conjugate
    gradients.

    Raises:
        InputError: at the first step, if the game has not two players.
    """

    def step(self, game: Game, state: Tensor) -> Tensor:
        """Solve the local game and move there."""
        if len(game.sizes) != 2:
            raise InputError(
                f"competitive gradient descent needs two players, not {len(game.sizes)}"
            )
        (own, mixed), (others, their_mixed) = self._derivatives(game, state)
        move = self._move(own, mixed, others, their_mixed)
        their_move = self._move(others, their_mixed, own, mixed)
        return game.constrain(state + torch.cat([move, their_move]))

    def _move(self, own: Tensor, mixed: Tensor, others: Tensor, their_mixed: Tensor) -> Tensor:
        rate = self.learning_rate
        matrix = torch.eye(len(own), dtype=own.dtype) - rate**2 * mixed @ their_mixed
        solution: Tensor = torch.linalg.solve(matrix, own - rate * mixed @ others)
        return -rate * solution

    def _derivatives(self, game: Game, state: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each player its gradient and the derivatives of that by the other's parameters."""
        keep = state.requires_grad
        first, second = game.slices.values()
        with torch.enable_grad():
            here = state if keep else state.detach().requires_grad_()
            gradients = [game.gradient(player, here) for player in game.sizes]
            matrices = [rows_of_derivatives(found, here, keep_graph=keep) for found in gradients]
        found = [
            (gradient, matrix[:, other])
            for gradient, matrix, other in zip(gradients, matrices, (second, first), strict=True)
        ]
        return found if keep else [(a.detach(), b.detach()) for a, b in found]
