"""How large the steps of a game's optimizer may be."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from ganzoo.errors import check_positive
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.update_operator import UpdateOperator
from ganzoo.theory.verdict import spectral_radius

# Learning rates that are tried before bisection, from a ten-thousandth of the largest one.
GRID = 41
SMALLEST = 1e-4


def largest_stable_learning_rate(
    operator: UpdateOperator,
    game: DifferentiableGame,
    point: Tensor,
    *,
    largest: float,
    tolerance: float,
) -> float:
    """The end of the first interval of learning rates with which an optimizer converges.

    A logarithmic grid of learning rates finds where the linearisation's spectral radius first
    falls below 1 and where it next rises above; bisection finds the place between two of them.

    Args:
        operator: the optimizer; its own learning rate is not used.
        game: the game.
        point: a fixed point ``[N]`` of it.
        largest: the largest learning rate to try, positive; the smallest is 1e-4 of it.
        tolerance: how far below 1 a spectral radius must be, and how exact the result is in
            relation to itself; positive. 1e-9 is near the rounding error.

    Returns:
        The learning rate; 0 where none that was tried converges (also where the dynamics merely
        rotate), and ``largest`` where nothing above the first that converges does not.

    Raises:
        InputError: if a number is not positive, the point is no fixed point, or the operator
            cannot be linearised.
    """
    check_positive(largest=largest, tolerance=tolerance)

    def converges(rate: float) -> bool:
        faster = operator.with_learning_rate(rate)
        return spectral_radius(faster, game, point) < 1 - tolerance

    stable = 0.0
    for rate in np.geomspace(SMALLEST * largest, largest, GRID).tolist():
        if converges(rate):
            stable = rate
        elif stable:
            return _bisect(converges, stable, rate, tolerance)
    return stable


def _bisect(
    converges: Callable[[float], bool], stable: float, unstable: float, tolerance: float
) -> float:
    while unstable - stable > tolerance * stable:
        middle = (stable + unstable) / 2
        if not stable < middle < unstable:
            break
        if converges(middle):
            stable = middle
        else:
            unstable = middle
    return stable
