"""Competitive gradient descent: players step to the equilibrium of a simpler game near by."""

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse.linalg import LinearOperator, gmres

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole
from ganzoo.optim.base import SteppingPlayer, UpdateRule
from ganzoo.optim.derivatives import Vector, cross_gradients, gradients, inner_product, mean_vectors

log = logging.getLogger("ganzoo")

Flat = npt.NDArray[np.float64]


@defaults_from("optimizer/update_rule/competitive_gradient_descent")
class CompetitiveGradientDescent(UpdateRule):
    """Each player's step is the best answer to the steps of the others, as far as one can see.

    Schaefer and Anandkumar (2019), "Competitive Gradient Descent", algorithm 1 (arXiv 1905.12103).
    Near by, a player's objective is linear in its own step and bilinear in its own and another's,
    and a step costs ``|step|^2 / (2 eta)``. The steps are the one Nash equilibrium of that game:

        ``step_i = -eta_i (grad_i L_i + sum_{j != i} D_ij L_i step_j)``

    The system is solved by GMRES in float64 on the host, with products of mixed second derivatives
    that are never written out: meant for small networks. Each product costs a backward pass for
    each player. More than two players: the polymatrix form of Ma et al. (2021, arXiv 2111.08565).

    What a player's optimizer gets as its gradient is ``-step_i / eta_i``, so that gradient descent
    makes exactly this step; eta_i is the rate of the optimizer's first group. Other optimizers
    take it for a gradient. With several processes all derivatives are means. A player that steps
    alone on a minibatch follows its gradient.

    Args:
        tolerance: Length of what is left of the system's right side when the solver stops, as a
            share of that side's length; positive.
        iterations: Products after which the solver gives up, at least 1; so many vectors of the
            size of all parameters in float64 are kept meanwhile.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    differentiates_twice = True

    def __init__(self, *, tolerance: float = FROM_CONFIG, iterations: int = FROM_CONFIG) -> None:
        check_positive(tolerance=tolerance)
        check_whole(iterations=iterations)
        self.tolerance = tolerance
        self.iterations = iterations
        self._warned = False

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Compute the gradients of all players, solve for their steps, make the steps."""
        crossed = cross_gradients(players)
        directions = mean_vectors([crossed[index][index] for index in range(len(players))])
        if len(players) > 1:
            directions = self._solve(_System(players, crossed), directions)
        for player, direction in zip(players, directions, strict=True):
            player.set_gradients(direction)
            player.step()

    def _solve(self, system: "_System", right: list[Vector]) -> list[Vector]:
        flat = system.flat(right)
        matrix = LinearOperator((flat.size, flat.size), matvec=system.product, dtype=np.float64)
        found, failed = gmres(matrix, flat, rtol=self.tolerance, restart=self.iterations, maxiter=1)
        if failed and not self._warned:
            self._warned = True
            log.warning(
                "competitive gradient descent: the solver has not reached tolerance=%g after "
                "iterations=%d: raise them or lower the learning rates (said once)",
                self.tolerance,
                self.iterations,
            )
        return system.vectors(found)


class _System:
    """The linear system of the steps, divided by minus the learning rates."""

    def __init__(self, players: Sequence[SteppingPlayer], crossed: list[list[Vector]]) -> None:
        self._parameters = [player.parameters for player in players]
        self._rates = [float(player.optimizer.param_groups[0]["lr"]) for player in players]
        self._crossed = crossed

    def product(self, flat: Flat) -> Flat:
        """The left side: a player's part is ``u_i + sum_{j != i} eta_j D_ij L_i u_j``."""
        steps = [
            [rate * part for part in vector]
            for rate, vector in zip(self._rates, self.vectors(flat), strict=True)
        ]
        mixed = [self._mixed(index, steps) for index in range(len(steps))]
        return flat.ravel() + self.flat(mean_vectors(mixed))

    def flat(self, vectors: Sequence[Vector]) -> Flat:
        """All players' vectors in one, on the host."""
        whole = torch.cat([part.flatten() for vector in vectors for part in vector])
        return whole.cpu().double().numpy()

    def vectors(self, flat: Flat) -> list[Vector]:
        """All players' vectors from one."""
        sizes = [p.numel() for parameters in self._parameters for p in parameters]
        parts = iter(torch.split(torch.from_numpy(flat.ravel()), sizes))
        return [[next(parts).to(p).view_as(p) for p in own] for own in self._parameters]

    def _mixed(self, index: int, steps: list[Vector]) -> Vector:
        others = [other for other in range(len(steps)) if other != index]
        along = [inner_product(self._crossed[index][other], steps[other]) for other in others]
        return gradients(torch.stack(along).sum(), self._parameters[index])
