"""Where the flow leads in the plane of two parameters, and a trajectory in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.pictures.plane import limits
from ganzoo.theory.game import DifferentiableGame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ARROWS = 15
PATH, POINT = "#d1495b", "#1f1f1f"
_FIELD = "#8fa8c8"


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """A vector field in a plane, with a trajectory and a fixed point.

    Attributes:
        names: of the two parameters.
        places: along each axis, two lists of numbers.
        arrows: the flow's direction at each place of the grid, ``[2, up, across]``, not scaled.
        path: the trajectory, ``[T, 2]``.
        point: the fixed point, ``[2]``.
    """

    names: list[str]
    places: list[list[float]]
    arrows: list[Any]
    path: list[list[float]]
    point: list[float]


def portrait(game: DifferentiableGame, point: Tensor, path: Tensor) -> Portrait | None:
    """The flow in the plane of the first parameter of each of the first two players.

    All other parameters are at the fixed point.

    Args:
        game: the game.
        point: the fixed point ``[N]``.
        path: a trajectory ``[T, N]``, which gives the frame.

    Returns:
        The portrait; None for a game of one player.
    """
    if len(game.sizes) < 2:
        return None
    players = list(game.sizes)[:2]
    axes = [game.slices[player].start for player in players]
    seen = torch.cat([path, point[None]])[:, axes]
    radius = float((seen - point[axes]).abs().max()) or 1.0
    frame = [limits(point[axis] + torch.tensor([-radius, radius])) for axis in axes]
    places = [np.linspace(low, high, _ARROWS).tolist() for low, high in frame]
    # Beside the middle, where there may be no derivative.
    arrows = torch.stack([_flow(game, point, axes, [x, y]) for y in places[1] for x in places[0]])
    grid = arrows.T.reshape(2, _ARROWS, _ARROWS).nan_to_num(0.0)
    return Portrait(
        names=[_name(game, player) for player in players],
        places=places,
        arrows=grid.tolist(),
        path=path[:, axes].tolist(),
        point=point[axes].tolist(),
    )


def draw_portrait(axes: "Axes", found: Portrait) -> None:
    """Draw a portrait: arrows all of one length, the trajectory from its circle on."""
    across, up = (np.array(values) for values in found.places)
    field, path = np.array(found.arrows), np.array(found.path)
    size = np.hypot(*field)
    turned = field / np.where(size > 0, size, 1)
    axes.quiver(across, up, *turned, color=_FIELD, pivot="mid", scale=21, width=0.0045, zorder=2)
    axes.plot(path[:, 0], path[:, 1], color=PATH, linewidth=1.1, zorder=3, label="trajectory")
    axes.plot(*path[0], "o", color=PATH, markersize=5, zorder=4, label="start")
    axes.plot(*found.point, "x", color=POINT, markersize=8, mew=2, zorder=5, label="fixed point")
    edges = [(values[0], values[-1]) for values in found.places]
    axes.set(xlim=edges[0], ylim=edges[1], xlabel=found.names[0], ylabel=found.names[1])
    axes.grid(False)


def _flow(game: DifferentiableGame, point: Tensor, axes: list[int], place: list[float]) -> Tensor:
    here = point.clone()
    here[axes] = torch.tensor(place, dtype=here.dtype)
    return -game.field(here)[axes]


def _name(game: DifferentiableGame, player: str) -> str:
    return player if game.sizes[player] == 1 else f"{player}, first parameter"
