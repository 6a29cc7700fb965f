"""Generated points over the real distribution."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganzoo.pictures.plane import (
    BANDS,
    GENERATED,
    RealDistribution,
    as_points,
    count_outside,
    draw_legend,
    draw_points,
    draw_real_distribution,
    finite,
    limits,
    new_figure,
    save_figure,
    title_with_counts,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scatter(points: Tensor, real: RealDistribution, path: str | Path, title: str) -> Path:
    """Draw generated points over the real density, as PNG.

    Of one-dimensional points a histogram is drawn, of higher ones the first two coordinates. The
    frame fits the real data; points outside it and points that are not finite are counted in the
    title.

    Args:
        points: Generated points ``[N, D]``.
        real: See :class:`~ganzoo.pictures.plane.RealDistribution`.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if points or real are not ``[N, D]`` with the same D, or the file cannot be
            written.
    """
    points = as_points("points", points)
    shown = finite(points)
    figure, outside = (_histogram if points.shape[1] == 1 else _plane)(shown, real)
    _set_title(figure, title, broken=len(points) - len(shown), outside=outside)
    return save_figure(figure, path)


def _plane(points: Tensor, real: RealDistribution) -> tuple["Figure", int]:
    figure = new_figure((6.4, 6.4))
    axes = figure.axes[0]
    frame = draw_real_distribution(axes, points, real)
    draw_points(axes, points, color=GENERATED, alpha=0.6, label="generated", zorder=3)
    draw_legend(axes)
    return figure, count_outside(points[:, :2], frame)


def _histogram(points: Tensor, real: RealDistribution) -> tuple["Figure", int]:
    reference = real.finite_points(1)
    figure = new_figure((7.2, 4.8))
    axes = figure.axes[0]
    outline = reference if reference is not None and len(reference) else points
    low, high = limits(outline[:, 0])
    style: dict[str, Any] = {"bins": 80, "range": (low, high), "density": True}
    if reference is not None:
        axes.hist(reference[:, 0].numpy(), color=BANDS[1], label="real", **style)
    inside = points[(points[:, 0] >= low) & (points[:, 0] <= high), 0]
    if len(inside):
        style |= {"histtype": "step", "linewidth": 1.6}
        axes.hist(inside.numpy(), color=GENERATED, label="generated", **style)
    axes.set(xlim=(low, high), xlabel="$x_1$", ylabel="density")
    draw_legend(axes)
    return figure, len(points) - len(inside)


def _set_title(figure: "Figure", title: str, *, broken: int, outside: int) -> None:
    text = title_with_counts(title, broken=broken, outside=outside)
    figure.axes[0].set_title(text, fontsize=11, color="#222222", parse_math=False)
