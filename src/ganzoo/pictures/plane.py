"""The plane that points are drawn in: its frame, the real distribution under them, its title."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.pictures.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LogDensity = Callable[[Tensor], Tensor]
Limits = tuple[tuple[float, float], tuple[float, float]]

REAL = "#4a6fa5"
GENERATED = "#d1495b"
BANDS = ("#e3ebf5", "#b9cde6", "#86a9d2")
PALETTE = (
    "#d1495b", "#2a9d55", "#e08e1b", "#7b4ab5", "#00868b",
    "#8c5a3c", "#c2549d", "#6b6b6b", "#9aa311", "#1f1f1f",
)  # fmt: skip
"""Colours that can be told from one another and from the density."""
_GRID = 400


class RealDistribution(NamedTuple):
    """The real distribution that generated points are drawn over.

    Attributes:
        points: Real points ``[M, D]``, which give the frame and are drawn pale where there is no
            density to draw; or None.
        log_density: Maps ``[B, 2]`` (float32, on the CPU) to the real log-density ``[B]``, drawn
            for two-dimensional points as bands that end where the density falls to that of 1, 2
            and 3 standard deviations from a round Gaussian's centre; or None.
    """

    points: Tensor | None = None
    log_density: LogDensity | None = None

    def finite_points(self, dimensions: int) -> Tensor | None:
        """The real points that can be drawn, float32 ``[M, D]`` on the CPU, or None.

        Raises:
            InputError: if they are not of so many dimensions.
        """
        if self.points is None:
            return None
        return finite(as_points("real", self.points, dimensions))


def as_points(name: str, points: Tensor, dimensions: int | None = None) -> Tensor:
    """Points ``[N, D]`` as float32 on the CPU.

    Raises:
        InputError: if they are of another shape, or D is not that of the others.
    """
    if points.ndim != 2 or not points.shape[1]:
        raise InputError(f"{name} must have shape [N, D], not {list(points.shape)}")
    if dimensions is not None and points.shape[1] != dimensions:
        raise InputError(
            f"generated points have {dimensions} dimensions but {name} points {points.shape[1]}"
        )
    return points.detach().float().cpu()


def finite(points: Tensor) -> Tensor:
    """Those of ``[N, D]`` that have no infinity or NaN."""
    return points[points.isfinite().all(dim=1)]


def limits(values: Tensor) -> tuple[float, float]:
    """Range of ``[N]`` values with some air around; [-1, 1] of none."""
    if not len(values):
        return -1.0, 1.0
    low, high = values.min().item(), values.max().item()
    air = 0.15 * (high - low) or 1.0
    return low - air, high + air


def count_outside(points: Tensor, frame: Limits) -> int:
    """How many of ``[N, 2]`` finite points lie outside a frame."""
    low, high = torch.tensor(frame).T
    return int((~((points >= low) & (points <= high)).all(dim=1)).sum())


def draw_real_distribution(axes: "Axes", points: Tensor, real: RealDistribution) -> Limits:
    """Draw the real distribution, and fit the frame to it.

    Args:
        axes: Where to.
        points: Finite generated points ``[N, D]`` with D at least 2, which give the frame where
            there are no real ones.
        real: Of the same D.

    Returns:
        The limits of both axes.

    Raises:
        InputError: if real points have another D.
    """
    dimensions = points.shape[1]
    shown = real.finite_points(dimensions)
    outline = shown if shown is not None and len(shown) else points
    frame = limits(outline[:, 0]), limits(outline[:, 1])
    if real.log_density is not None and dimensions == 2:
        _draw_density(axes, real.log_density, frame)
    elif shown is not None:
        draw_points(axes, shown, color=REAL, alpha=0.25, label="real", zorder=1)
    axes.set(xlim=frame[0], ylim=frame[1], aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    return frame


def draw_points(axes: "Axes", points: Tensor, **style: Any) -> Any:
    """Draw the first two coordinates of points ``[N, D]`` as dots."""
    style.setdefault("s", 12 if len(points) <= 1000 else 5)
    return axes.scatter(points[:, 0].numpy(), points[:, 1].numpy(), linewidths=0, **style)


def _draw_density(axes: "Axes", log_density: LogDensity, frame: Limits) -> None:
    across, up = (torch.linspace(low, high, _GRID) for low, high in frame)
    places = torch.cartesian_prod(across, up)
    with torch.no_grad():
        logs = log_density(places).detach().float().cpu().reshape(_GRID, _GRID).T
    peak = logs[logs.isfinite()].max().item() if logs.isfinite().any() else 0.0
    heights = (logs - peak).nan_to_num(nan=-1e3, neginf=-1e3).clamp(min=-1e3)
    grid = across.numpy(), up.numpy(), heights.numpy()
    axes.contourf(*grid, levels=[-4.5, -2, -0.5, 0.1], colors=BANDS, zorder=1)
    # Its edge stays to be seen where generated points cover the density.
    axes.contour(*grid, levels=[-4.5], colors=REAL, linewidths=0.9, linestyles="-", zorder=4)
    marker: dict[str, Any] = {"color": BANDS[1], "markeredgecolor": REAL, "markeredgewidth": 0.9}
    axes.plot([], [], marker="o", linestyle="", label="real density", **marker)


def new_figure(inches: tuple[float, float], rows: int = 1, columns: int = 1) -> "Figure":
    """A figure of so many axes, row by row."""
    # Without pyplot there is no global list of figures to leak into, and no display to need.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#888888")
        axes.tick_params(color="#888888", labelcolor="#444444", labelsize=9)
    return figure


def draw_legend(axes: "Axes") -> None:
    """Say what is what, where anything has a label."""
    handles, _ = axes.get_legend_handles_labels()
    if handles:
        legend = axes.legend(loc="upper right", fontsize=9, frameon=True, framealpha=0.85)
        legend.set_zorder(10)
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1)


def title_with_counts(title: str, *, broken: int, outside: int) -> str:
    """A title that says how many points cannot be seen."""
    notes = [f"points outside the frame: {outside}"] if outside else []
    notes += [f"points not finite: {broken}"] if broken else []
    return title + (f"\n{', '.join(notes)}" if notes else "")


def save_figure(
    figure: "Figure", path: str | Path, *, description: str = "", **settings: Any
) -> Path:
    """Write a figure as PNG.

    Args:
        figure: What to write.
        path: Where to.
        description: What the file says of itself, for programs that show it.
        settings: Of ``Figure.savefig``.

    Raises:
        InputError: if the file cannot be written.
    """
    content = io.BytesIO()
    metadata = {"Description": description} if description else {}
    figure.savefig(content, format="png", metadata=metadata, **settings)
    return write_atomically(content.getvalue(), path)
