"""Where a game's players go, step by step or in continuous time, and how fast they arrive."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.update_operator import Dynamics, UpdateOperator

# A distance below this share of the first one is rounding.
ROUNDING = 1e-12


def points_of(
    operator: UpdateOperator, game: DifferentiableGame, start: Tensor
) -> Iterator[Tensor]:
    """The points ``[N]`` that an optimizer passes, without end, the start first."""
    dynamics = Dynamics(operator, game, start.detach())
    while True:
        yield game.point
        dynamics.step()


def trajectory(
    operator: UpdateOperator, game: DifferentiableGame, *, start: Tensor, steps: int
) -> Tensor:
    """The first points that an optimizer passes.

    Args:
        operator: the optimizer.
        game: the game.
        start: the first point ``[N]``, float64.
        steps: how many to take, at least 1.

    Returns:
        Points ``[steps + 1, N]``, the start among them.

    Raises:
        InputError: if steps is out of range, the start is no point of this game, or a point is
            not finite.
    """
    check_whole(steps=steps)
    points = torch.stack(list(islice(points_of(operator, game, start), steps + 1)))
    finite = points.isfinite().all(dim=1)
    if not finite.all():
        raise InputError(
            f"the parameters left the range of numbers at step {int(finite.int().argmin())}: take "
            "fewer steps or a smaller learning rate"
        )
    return points


def flow_trajectory(
    direction: Callable[[Tensor], Tensor],
    *,
    start: Tensor,
    times: Sequence[float],
    tolerance: float,
) -> Tensor:
    """Points on the solution of ``dx/dt = -w(x)``, by a Runge-Kutta method of order 8.

    Args:
        direction: w, from a point ``[N]`` to a vector ``[N]``; ``game.field`` for gradient flow.
        start: the point ``[N]`` at time 0, float64.
        times: when to look, increasing, none negative.
        tolerance: of each step, relative and absolute, positive.

    Returns:
        Points ``[T, N]``.

    Raises:
        InputError: if tolerance is not positive, times are not increasing, or the solver fails.
    """
    check_positive(tolerance=tolerance)
    if not times or times[0] < 0 or any(a >= b for a, b in pairwise(times)):
        raise InputError("times must be increasing numbers from 0 up")

    def velocity(time: float, x: np.ndarray) -> np.ndarray:
        return -direction(torch.from_numpy(x)).detach().numpy()

    span, first = (0.0, float(times[-1])), start.detach().numpy()
    solution = solve_ivp(
        velocity, span, first, "DOP853", t_eval=list(times), rtol=tolerance, atol=tolerance
    )
    if not solution.success or not np.isfinite(solution.y).all():
        raise InputError(f"the flow could not be followed to time {times[-1]:g}: take less time")
    return torch.from_numpy(solution.y.T.copy())


def measured_rate(points: Tensor, target: Tensor, *, skip: int) -> float:
    """The factor by which the distance to a target changes in one step of a trajectory.

    A line is fitted by least squares to the logarithm of the distance. Points so near that their
    distance is rounding are left out. Where the distance swings as it falls, many turns are
    needed for a good fit.

    Args:
        points: a trajectory ``[T, N]``, at equal times.
        target: where it leads or where it comes from, ``[N]``.
        skip: how many points to leave out at the beginning, at least 0.

    Returns:
        The factor, below 1 where the distance falls.

    Raises:
        InputError: if sizes differ, skip is out of range, or fewer than three points are left.
    """
    check_whole(0, skip=skip)
    if points.dim() != 2 or target.shape != points.shape[1:]:
        raise InputError(
            f"points must be [T, N] and target [N], not {list(points.shape)} and "
            f"{list(target.shape)}"
        )
    distances = (points - target).norm(dim=1)
    times = torch.arange(len(distances))
    kept = (times >= skip) & (distances > ROUNDING * distances.max())
    if kept.sum() < 3:
        raise InputError(f"a rate needs at least three points off the target, not {kept.sum()}")
    slope = np.polyfit(times[kept].numpy(), distances[kept].log().numpy(), 1)[0]
    return math.exp(slope)
