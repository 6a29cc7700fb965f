"""Lines between points that belong together."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.pictures.plane import (
    GENERATED,
    PALETTE,
    REAL,
    Ground,
    count_outside,
    draw_ground,
    draw_legend,
    draw_points,
    new_figure,
    save_figure,
    with_notes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ALONE = Ground(None, None)
Drawing = Callable[["Axes", Tensor], None]


def draw_paths(ways: Tensor, ground: Ground, path: str | Path, title: str) -> Path:
    """Draw ways of generated points over the real distribution, each in a colour, as PNG.

    A circle is where a way begins, a square where it ends. Of points of more than two dimensions
    the first two coordinates are drawn; those of one dimension go upwards as their way goes on.
    Ways with points that are not finite are left out, and such points counted in the title.

    Args:
        ways: Points ``[W, S, D]`` of W ways of S steps.
        ground: The real distribution, see :class:`~ganzoo.pictures.plane.Ground`.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if ways or real points are of another shape, or the file cannot be written.
    """
    return _draw(ways, ground, path, title, _draw_ways)


def draw_pairs(real: Tensor, made: Tensor, ground: Ground, path: str | Path, title: str) -> Path:
    """Draw real points, what was made of each, and a thin line between the two, as PNG.

    Dimensions and points that are not finite are treated as in :func:`draw_paths`.

    Args:
        real: Points ``[N, D]``.
        made: Points ``[N, D]``.
        ground: The real distribution, see :class:`~ganzoo.pictures.plane.Ground`.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if points are of other shapes, or the file cannot be written.
    """
    if real.shape != made.shape:
        raise InputError(
            f"pairs are points of the same shape, not {list(real.shape)} and {list(made.shape)}"
        )
    return _draw(torch.stack([real.cpu(), made.cpu()], dim=1), ground, path, title, _draw_pairs)


def _draw(ways: Tensor, ground: Ground, path: str | Path, title: str, draw: Drawing) -> Path:
    if ways.ndim != 3 or not ways.shape[2]:
        raise InputError(f"ways must have shape [W, S, D], not {list(ways.shape)}")
    ways = ways.detach().float().cpu()
    broken = int((~ways.isfinite().all(dim=2)).sum())
    whole = ways[ways.isfinite().flatten(1).all(dim=1)]
    figure = new_figure((6.4, 6.4))
    axes = figure.axes[0]
    lies = whole.shape[2] == 1
    if lies:
        whole, ground = _raised(whole), _ALONE
    frame = draw_ground(axes, whole.flatten(0, 1), ground)
    if lies:
        axes.set(aspect="auto", ylabel="share of the way")
    draw(axes, whole)
    draw_legend(axes)
    outside = count_outside(whole.flatten(0, 1)[:, :2], frame)
    text = with_notes(title, broken=broken, outside=outside)
    axes.set_title(text, fontsize=11, color="#222222", parse_math=False)
    return save_figure(figure, path)


def _raised(ways: Tensor) -> Tensor:
    """One-dimensional ways ``[W, S, 1]`` with the share of the way as second coordinate."""
    shares = torch.linspace(0, 1, ways.shape[1])[None, :, None].expand_as(ways)
    return torch.cat([ways, shares], dim=2)


def _draw_ways(axes: "Axes", ways: Tensor) -> None:
    for index, way in enumerate(ways):
        color = PALETTE[index % len(PALETTE)]
        axes.plot(way[:, 0].numpy(), way[:, 1].numpy(), color=color, linewidth=1.2, zorder=5)
        draw_points(axes, way, color=color, zorder=6)
        for end, marker in ((way[:1], "o"), (way[-1:], "s")):
            draw_points(axes, end, color=color, marker=marker, s=60, zorder=7)
    for label, marker in (("begin", "o"), ("end", "s")):
        axes.plot([], [], marker=marker, linestyle="", color="#444444", label=label)


def _draw_pairs(axes: "Axes", ways: Tensor) -> None:
    thin: dict[str, Any] = {"color": "#444444", "linewidth": 0.8, "alpha": 0.7, "zorder": 5}
    for way in ways:
        axes.plot(way[:, 0].numpy(), way[:, 1].numpy(), **thin)
    draw_points(axes, ways[:, 0], color=REAL, s=14, label="data", zorder=6)
    draw_points(axes, ways[:, 1], color=GENERATED, s=14, label="reconstruction", zorder=7)
