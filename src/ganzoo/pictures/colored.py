"""Points in colours that say something of each."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.pictures.plane import (
    PALETTE,
    RealDistribution,
    as_points,
    count_outside,
    draw_points,
    draw_real_distribution,
    new_figure,
    save_figure,
    title_with_counts,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE = 4.4
_COLUMNS = 2


@dataclass(frozen=True, kw_only=True)
class Coloring(ABC):
    """What the colours of points say.

    Attributes:
        title: What it is, in words.
        values: ``[N]``, one for each point.
    """

    title: str
    values: Tensor

    @abstractmethod
    def draw(self, axes: "Axes", points: Tensor, values: Tensor) -> None:
        """Draw those of the points ``[M, 2]`` that can be drawn, of these values ``[M]``."""


class CategoricalColoring(Coloring):
    """A colour for each of a few whole numbers from 0 up, which repeat from the eleventh."""

    def draw(self, axes: "Axes", points: Tensor, values: Tensor) -> None:
        """Draw points and the numbers of their colours."""
        marks = []
        for value in range(int(values.max()) + 1 if len(values) else 0):
            color = PALETTE[value % len(PALETTE)]
            draw_points(axes, points[values == value], color=color, s=6, zorder=3)
            marks += axes.plot([], [], marker="o", linestyle="", color=color, label=value)
        axes.legend(
            handles=marks, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9, frameon=False
        )


class ContinuousColoring(Coloring):
    """Colours from the one end of [-1, 1] to the other."""

    def draw(self, axes: "Axes", points: Tensor, values: Tensor) -> None:
        """Draw points and the scale."""
        colors = {"c": values.numpy(), "cmap": "plasma", "vmin": -1, "vmax": 1}
        drawn = draw_points(axes, points, s=6, zorder=3, **colors)
        assert axes.figure is not None
        bar = axes.figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=25, ticks=[-1, 0, 1])
        bar.ax.tick_params(labelsize=9)


def draw_colored(
    points: Tensor,
    colorings: Sequence[Coloring],
    real: RealDistribution,
    path: str | Path,
    title: str,
) -> Path:
    """Draw the same points once for each coloring, over the real distribution, as PNG.

    Of points of more than two dimensions the first two coordinates are drawn; those of one
    dimension lie as high as their value. Points that cannot be seen are counted in the title.

    Args:
        points: Generated points ``[N, D]``.
        colorings: At least one.
        real: See :class:`~ganzoo.pictures.plane.RealDistribution`.
        path: Where to; folders are made.
        title: Title of the picture.

    Returns:
        The path.

    Raises:
        InputError: if there are no colorings, they are not of these points, points are of another
            shape, or the file cannot be written.
    """
    points = as_points("points", points)
    if not colorings or any(len(coloring.values) != len(points) for coloring in colorings):
        raise InputError(
            f"give at least one coloring, with a value for each of {len(points)} points"
        )
    rows, columns = -(-len(colorings) // _COLUMNS), min(len(colorings), _COLUMNS)
    figure = new_figure((1.15 * _SIDE * columns, _SIDE * rows + 0.5), rows, columns)
    figure.set_layout_engine("compressed")
    kept, outside = points.isfinite().all(dim=1), 0
    for axes, coloring in zip(figure.axes, colorings, strict=False):
        outside = _draw_panel(axes, points[kept], kept, coloring, real)
    for axes in figure.axes[len(colorings) : rows * columns]:
        axes.set_visible(False)
    text = title_with_counts(title, broken=int((~kept).sum()), outside=outside)
    figure.suptitle(text, fontsize=11, color="#222222", parse_math=False)
    return save_figure(figure, path)


def _draw_panel(
    axes: "Axes", points: Tensor, kept: Tensor, coloring: Coloring, real: RealDistribution
) -> int:
    """Draw one, and return how many points are outside its frame."""
    values = coloring.values.cpu()[kept]
    if points.shape[1] == 1:
        points = torch.cat([points, values[:, None].float()], dim=1)
        frame = draw_real_distribution(axes, points, RealDistribution())
        axes.set(aspect="auto", ylabel="value")
    else:
        frame = draw_real_distribution(axes, points, real)
    coloring.draw(axes, points[:, :2], values)
    axes.set_title(coloring.title, fontsize=10, color="#222222", parse_math=False)
    return count_outside(points[:, :2], frame)
