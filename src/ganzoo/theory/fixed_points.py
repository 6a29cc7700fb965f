"""Where a game's field vanishes."""

import numpy as np
import torch
from scipy.optimize import root
from torch import Tensor

from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.theory.game import DifferentiableGame

# Two solutions nearer to each other than this, in units of the region's size, are one.
SAME = 1e-5


def fixed_points(
    game: DifferentiableGame,
    *,
    lower: float,
    upper: float,
    starts: int,
    seed: int,
    tolerance: float,
) -> Tensor:
    """Solve ``v(x) = 0`` from several starts in a box.

    Powell's hybrid method (scipy.optimize.root) starts at the middle of the box and at uniformly
    random points of it. There may be more fixed points than are found; where they are not
    isolated, some of them are found.

    Args:
        game: whose field.
        lower: the box's lowest value, for every parameter.
        upper: its highest value.
        starts: how many, at least 1; the first is the middle.
        seed: of the random starts.
        tolerance: the largest entry of v that counts as zero, positive.

    Returns:
        The points ``[K, N]`` inside the box, ordered by their distance from its middle; K >= 1.

    Raises:
        InputError: if the box is empty, a number is out of range, or nothing is found.
    """
    check_whole(starts=starts)
    check_positive(tolerance=tolerance)
    if not lower < upper:
        raise InputError(f"lower must be below upper, not {lower} and {upper}")
    middle = np.full(game.size, (lower + upper) / 2)
    random = np.random.default_rng(seed).uniform(lower, upper, (starts - 1, game.size))
    found = [_solve(game, start, tolerance) for start in (middle, *random)]
    inside = [x for x in found if x is not None and _within(x, lower, upper)]
    if not inside:
        raise InputError(
            f"no fixed point was found with all parameters from {lower:g} to {upper:g} in {starts} "
            "starts: search a larger region or start more often"
        )
    inside.sort(key=lambda x: float(np.linalg.norm(x - middle)))
    return torch.from_numpy(np.stack(_distinct(inside, SAME * (upper - lower))))


def _solve(game: DifferentiableGame, start: np.ndarray, tolerance: float) -> np.ndarray | None:
    def field(x: np.ndarray) -> np.ndarray:
        return game.field(torch.from_numpy(x)).numpy()

    def jacobian(x: np.ndarray) -> np.ndarray:
        return game.jacobian(torch.from_numpy(x)).numpy()

    if np.abs(field(start)).max() <= tolerance:
        return start
    solution = root(field, start, jac=jacobian, tol=1e-12).x
    return solution if np.abs(field(solution)).max() <= tolerance else None


def _within(point: np.ndarray, lower: float, upper: float) -> bool:
    slack = SAME * (upper - lower)
    return bool(((point >= lower - slack) & (point <= upper + slack)).all())


def _distinct(points: list[np.ndarray], radius: float) -> list[np.ndarray]:
    kept: list[np.ndarray] = []
    for point in points:
        if all(np.linalg.norm(point - other) > radius for other in kept):
            kept.append(point)
    return kept
