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
    RealDistribution,
    count_outside,
    draw_legend,
    draw_points,
    draw_real_distribution,
    new_figure,
    save_figure,
    title_with_counts,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NOTHING_REAL = RealDistribution()
Drawing = Callable[["Axes", Tensor], None]


def draw_paths(paths: Tensor, real: RealDistribution, path: str | Path, title: str) -> Path:
    """Draw paths of generated points over the real distribution, each in a colour, as PNG.

    A circle is where a path begins, a square where it ends. Of points of more than two dimensions
    the first two coordinates are drawn; those of one dimension go upwards along their path. Paths
    with points that are not finite are left out, and such points counted in the title.

    Args:
        paths: Points ``[P, S, D]`` of P paths of S steps.
        real: See :class:`~ganzoo.pictures.plane.RealDistribution`.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if paths or real points are of another shape, or the file cannot be written.
    """
    return _draw(paths, real, path, title, _draw_paths)


def draw_pairs(
    data: Tensor, reconstructed: Tensor, real: RealDistribution, path: str | Path, title: str
) -> Path:
    """Draw real points, their reconstructions, and a thin line between the two, as PNG.

    Dimensions and points that are not finite are treated as in :func:`draw_paths`.

    Args:
        data: Points ``[N, D]``.
        reconstructed: Points ``[N, D]``.
        real: See :class:`~ganzoo.pictures.plane.RealDistribution`.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if points are of other shapes, or the file cannot be written.
    """
    shapes = f"{list(data.shape)} and {list(reconstructed.shape)}"
    if data.shape != reconstructed.shape:
        raise InputError(f"pairs are points of the same shape, not {shapes}")
    return _draw(
        torch.stack([data.cpu(), reconstructed.cpu()], dim=1), real, path, title, _draw_pairs
    )


def _draw(
    paths: Tensor, real: RealDistribution, path: str | Path, title: str, draw: Drawing
) -> Path:
    if paths.ndim != 3 or not paths.shape[2]:
        raise InputError(f"paths must have shape [P, S, D], not {list(paths.shape)}")
    paths = paths.detach().float().cpu()
    broken = int((~paths.isfinite().all(dim=2)).sum())
    whole = paths[paths.isfinite().flatten(1).all(dim=1)]
    figure = new_figure((6.4, 6.4))
    axes = figure.axes[0]
    is_flat = whole.shape[2] == 1
    if is_flat:
        whole, real = _with_shares(whole), _NOTHING_REAL
    frame = draw_real_distribution(axes, whole.flatten(0, 1), real)
    if is_flat:
        axes.set(aspect="auto", ylabel="share of the path")
    draw(axes, whole)
    draw_legend(axes)
    outside = count_outside(whole.flatten(0, 1)[:, :2], frame)
    text = title_with_counts(title, broken=broken, outside=outside)
    axes.set_title(text, fontsize=11, color="#222222", parse_math=False)
    return save_figure(figure, path)


def _with_shares(paths: Tensor) -> Tensor:
    """One-dimensional paths ``[P, S, 1]`` with the share of the path as second coordinate."""
    shares = torch.linspace(0, 1, paths.shape[1])[None, :, None].expand_as(paths)
    return torch.cat([paths, shares], dim=2)


def _draw_paths(axes: "Axes", paths: Tensor) -> None:
    for index, one in enumerate(paths):
        color = PALETTE[index % len(PALETTE)]
        axes.plot(one[:, 0].numpy(), one[:, 1].numpy(), color=color, linewidth=1.2, zorder=5)
        draw_points(axes, one, color=color, zorder=6)
        for end, marker in ((one[:1], "o"), (one[-1:], "s")):
            draw_points(axes, end, color=color, marker=marker, s=60, zorder=7)
    for label, marker in (("begin", "o"), ("end", "s")):
        axes.plot([], [], marker=marker, linestyle="", color="#444444", label=label)


def _draw_pairs(axes: "Axes", paths: Tensor) -> None:
    thin: dict[str, Any] = {"color": "#444444", "linewidth": 0.8, "alpha": 0.7, "zorder": 5}
    for one in paths:
        axes.plot(one[:, 0].numpy(), one[:, 1].numpy(), **thin)
    draw_points(axes, paths[:, 0], color=REAL, s=14, label="data", zorder=6)
    draw_points(axes, paths[:, 1], color=GENERATED, s=14, label="reconstruction", zorder=7)
