"""Generated points over the real distribution."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ganzoo.pictures.plane import (
    BANDS,
    GENERATED,
    Ground,
    LogDensity,
    checked,
    count_outside,
    draw_ground,
    draw_legend,
    draw_points,
    finite,
    limits,
    new_figure,
    save_figure,
    with_notes,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scatter(
    points: Tensor,
    real: Tensor | None,
    log_density: LogDensity | None,
    path: str | Path,
    title: str,
) -> Path:
    """Draw generated points over the real density, as PNG.

    Of one-dimensional points a histogram is drawn, of higher ones the first two coordinates. The
    frame fits the real data; points outside it and points that are not finite are counted in the
    title.

    Args:
        points: Generated points ``[N, D]``.
        real: Real points ``[M, D]``, or None; see :class:`~ganzoo.pictures.plane.Ground`.
        log_density: Real log-density of points, or None; see the same.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if points or real are not ``[N, D]`` with the same D, or the file cannot be
            written.
    """
    points = checked("points", points)
    reference = None if real is None else finite(checked("real", real, points.shape[1]))
    shown = finite(points)
    if points.shape[1] == 1:
        figure, outside = _histogram(shown, reference)
    else:
        figure, outside = _plane(shown, Ground(reference, log_density))
    _set_title(figure, title, broken=len(points) - len(shown), outside=outside)
    return save_figure(figure, path)


def _plane(points: Tensor, ground: Ground) -> tuple["Figure", int]:
    figure = new_figure((6.4, 6.4))
    axes = figure.axes[0]
    frame = draw_ground(axes, points, ground)
    draw_points(axes, points, color=GENERATED, alpha=0.6, label="generated", zorder=3)
    draw_legend(axes)
    return figure, count_outside(points[:, :2], frame)


def _histogram(points: Tensor, real: Tensor | None) -> tuple["Figure", int]:
    figure = new_figure((7.2, 4.8))
    axes = figure.axes[0]
    outline = real if real is not None and len(real) else points
    low, high = limits(outline[:, 0])
    style: dict[str, Any] = {"bins": 80, "range": (low, high), "density": True}
    if real is not None:
        axes.hist(real[:, 0].numpy(), color=BANDS[1], label="real", **style)
    inside = points[(points[:, 0] >= low) & (points[:, 0] <= high), 0]
    if len(inside):
        style |= {"histtype": "step", "linewidth": 1.6}
        axes.hist(inside.numpy(), color=GENERATED, label="generated", **style)
    axes.set(xlim=(low, high), xlabel="$x_1$", ylabel="density")
    draw_legend(axes)
    return figure, len(points) - len(inside)


def _set_title(figure: "Figure", title: str, *, broken: int, outside: int) -> None:
    text = with_notes(title, broken=broken, outside=outside)
    figure.axes[0].set_title(text, fontsize=11, color="#222222", parse_math=False)
