"""Generated points over the real distribution."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.pictures.files import write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LogDensity = Callable[[Tensor], Tensor]
Limits = tuple[tuple[float, float], tuple[float, float]]

_REAL = "#4a6fa5"
_GENERATED = "#d1495b"
_BANDS = ("#e3ebf5", "#b9cde6", "#86a9d2")
_GRID = 400


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
        real: Real points ``[M, D]``, which give the frame and are drawn pale where there is no
            density to draw; or None.
        log_density: Maps ``[B, 2]`` (float32, on the CPU) to the real log-density ``[B]``, drawn
            for two-dimensional points as bands that end where the density falls to that of 1, 2
            and 3 standard deviations from a round Gaussian's centre; or None.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if points or real are not ``[N, D]`` with the same D, or the file cannot be
            written.
    """
    points = _checked("points", points)
    reference = _finite(_checked("real", real)) if real is not None else None
    if reference is not None and reference.shape[1] != points.shape[1]:
        raise InputError(
            f"generated points have {points.shape[1]} dimensions but "
            f"real points {reference.shape[1]}"
        )
    finite = _finite(points)
    outline = reference if reference is not None and len(reference) else finite
    if points.shape[1] == 1:
        figure, outside = _histogram(finite, reference, outline)
    else:
        density = log_density if points.shape[1] == 2 else None
        figure, outside = _plane(finite, reference, density, outline)
    _set_title(figure, title, broken=len(points) - len(finite), outside=outside)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return write(content.getvalue(), path)


def _checked(name: str, points: Tensor) -> Tensor:
    if points.ndim != 2 or not points.shape[1]:
        raise InputError(f"{name} must have shape [N, D], not {list(points.shape)}")
    return points.detach().float().cpu()


def _finite(points: Tensor) -> Tensor:
    return points[points.isfinite().all(dim=1)]


def _limits(values: Tensor) -> tuple[float, float]:
    """Range of ``[N]`` values with some air around; [-1, 1] of none."""
    if not len(values):
        return -1.0, 1.0
    low, high = values.min().item(), values.max().item()
    air = 0.15 * (high - low) or 1.0
    return low - air, high + air


def _plane(
    points: Tensor, real: Tensor | None, log_density: LogDensity | None, outline: Tensor
) -> tuple["Figure", int]:
    figure, axes = _figure((6.4, 6.4))
    limits = _limits(outline[:, 0]), _limits(outline[:, 1])
    if log_density is not None:
        _draw_density(axes, log_density, limits)
    elif real is not None:
        _draw_points(axes, real, color=_REAL, alpha=0.25, label="real", zorder=1)
    _draw_points(axes, points, color=_GENERATED, alpha=0.6, label="generated", zorder=3)
    (left, right), (bottom, top) = limits
    axes.set(xlim=limits[0], ylim=limits[1], aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    _legend(axes)
    low, high = torch.tensor([left, bottom]), torch.tensor([right, top])
    inside = ((points[:, :2] >= low) & (points[:, :2] <= high)).all(dim=1)
    return figure, int((~inside).sum())


def _draw_points(axes: "Axes", points: Tensor, **style: Any) -> None:
    size = 12 if len(points) <= 1000 else 5
    axes.scatter(points[:, 0].numpy(), points[:, 1].numpy(), s=size, linewidths=0, **style)


def _draw_density(axes: "Axes", log_density: LogDensity, limits: Limits) -> None:
    across, up = (torch.linspace(low, high, _GRID) for low, high in limits)
    places = torch.cartesian_prod(across, up)
    with torch.no_grad():
        logs = log_density(places).detach().float().cpu().reshape(_GRID, _GRID).T
    peak = logs[logs.isfinite()].max().item() if logs.isfinite().any() else 0.0
    heights = (logs - peak).nan_to_num(nan=-1e3, neginf=-1e3).clamp(min=-1e3)
    grid = across.numpy(), up.numpy(), heights.numpy()
    axes.contourf(*grid, levels=[-4.5, -2, -0.5, 0.1], colors=_BANDS, zorder=1)
    # Its edge stays to be seen where generated points cover the density.
    axes.contour(*grid, levels=[-4.5], colors=_REAL, linewidths=0.9, linestyles="-", zorder=4)
    look: dict[str, Any] = {"color": _BANDS[1], "markeredgecolor": _REAL, "markeredgewidth": 0.9}
    axes.plot([], [], marker="o", linestyle="", label="real density", **look)


def _histogram(points: Tensor, real: Tensor | None, outline: Tensor) -> tuple["Figure", int]:
    figure, axes = _figure((7.2, 4.8))
    limits = _limits(outline[:, 0])
    style: dict[str, Any] = {"bins": 80, "range": limits, "density": True}
    if real is not None:
        axes.hist(real[:, 0].numpy(), color=_BANDS[1], label="real", **style)
    inside = points[(points[:, 0] >= limits[0]) & (points[:, 0] <= limits[1]), 0]
    if len(inside):
        style |= {"histtype": "step", "linewidth": 1.6}
        axes.hist(inside.numpy(), color=_GENERATED, label="generated", **style)
    axes.set(xlim=limits, xlabel="$x_1$", ylabel="density")
    _legend(axes)
    return figure, len(points) - len(inside)


def _figure(inches: tuple[float, float]) -> tuple["Figure", "Axes"]:
    # Without pyplot there is no global list of figures to leak into, and no display to need.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(color="#888888", labelcolor="#444444", labelsize=9)
    return figure, axes


def _legend(axes: "Axes") -> None:
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        legend = axes.legend(loc="upper right", fontsize=9, frameon=True, framealpha=0.85)
        legend.set_zorder(5)
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1)


def _set_title(figure: "Figure", title: str, *, broken: int, outside: int) -> None:
    notes = [f"points outside the frame: {outside}"] if outside else []
    notes += [f"points not finite: {broken}"] if broken else []
    text = title + (f"\n{', '.join(notes)}" if notes else "")
    figure.axes[0].set_title(text, fontsize=11, color="#222222", parse_math=False)
