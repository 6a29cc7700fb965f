"""What a trajectory is seen to do, in a word."""

from enum import Enum
from itertools import islice

import torch
from torch import Tensor

from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.trajectories import points_of
from ganzoo.theory.update_operator import UpdateOperator

# A trajectory that is this many times its first distance away, and one more, is not followed on.
FAR = 20.0
# It has arrived at this share of its first distance, and it has come nearer, or gone away, where
# its mean distance changes by this share from the third quarter of its steps to the last.
ARRIVED = 1e-2
CHANGED = 1e-3


class Behaviour(Enum):
    """What a trajectory is seen to do."""

    ARRIVES = "arrives at the fixed point"
    APPROACHES = "comes nearer"
    STAYS = "stays at a distance"
    LEAVES = "moves away"


def followed_trajectory(
    operator: UpdateOperator, game: DifferentiableGame, point: Tensor, start: Tensor, steps: int
) -> Tensor:
    """The optimizer's trajectory, up to where it is far from a point for good.

    Args:
        operator: the optimizer.
        game: the game.
        point: ``[N]``, from which distances count.
        start: ``[N]``.
        steps: the most to take.

    Returns:
        Points ``[T, N]`` with T at most ``steps + 1``, the start among them, all finite.
    """
    points: list[Tensor] = []
    for here in islice(points_of(operator, game, start), steps + 1):
        if not here.isfinite().all():
            break
        points.append(here)
        if (here - point).norm() > FAR * (1 + (points[0] - point).norm()):
            break
    return torch.stack(points)


def behaviour_of(distances: Tensor, steps: int) -> Behaviour:
    """What a trajectory does, from its distances ``[T]`` and the steps that it was to take."""
    if len(distances) <= steps:
        return Behaviour.LEAVES
    quarter = max(1, len(distances) // 4)
    before, late = distances[-2 * quarter : -quarter], distances[-quarter:]
    if len(before) == 0 or late.max() < ARRIVED * distances[0]:
        return Behaviour.ARRIVES if late.max() < ARRIVED * distances[0] else Behaviour.STAYS
    change = float(late.mean() / before.mean()) - 1
    if abs(change) < CHANGED * quarter / 100:
        return Behaviour.STAYS
    return Behaviour.LEAVES if change > 0 else Behaviour.APPROACHES
