"""A sheet of phase portraits, one for each job of a sweep."""

import textwrap
from collections.abc import Iterable, Mapping
from math import ceil
from typing import TYPE_CHECKING

from ganzoo.errors import InputError
from ganzoo.pictures.plane import new_figure
from ganzoo.theory.figures.figure import Figure, readable_name
from ganzoo.theory.figures.phase_portrait import Portrait, draw_portrait

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_SIDE = 2.7
_CHARACTERS = 26  # of a title in a line


class Portraits(Figure):
    """Portraits side by side, row by row.

    Args:
        portraits: with what its trajectory does, by title.
        columns: the most in a row.

    Raises:
        InputError: if there are none.
    """

    def __init__(self, *, portraits: Mapping[str, tuple[Portrait, str]], columns: int) -> None:
        if not portraits:
            raise InputError("there is no phase portrait to draw: take games of two players")
        self.portraits = dict(portraits)
        self.columns = min(columns, len(self.portraits))

    @property
    def caption(self) -> str:
        """How to read it."""
        return (
            "Arrows show where gradient flow leads, the red line where the optimizer goes from the "
            "dot; the cross is the fixed point. A line that ends there converges: in a spiral "
            "where eigenvalues are complex, round a corner where they are real and far apart. "
            "A ring cycles."
        )

    def facts(self) -> Iterable[tuple[str, str]]:
        """What each trajectory does."""
        return [(title.replace("\n", ", "), does) for title, (_, does) in self.portraits.items()]

    def draw(self) -> "Canvas":
        """The sheet."""
        columns = self.columns
        rows = ceil(len(self.portraits) / columns)
        width = max(_SIDE * columns, 5.4)
        canvas = new_figure((width, (_SIDE + 0.45) * rows + 0.5), rows, columns)
        for axes, (title, (found, does)) in zip(canvas.axes, self.portraits.items(), strict=False):
            draw_portrait(axes, found)
            lines = [*title.splitlines(), does]
            wrapped = "\n".join(textwrap.fill(readable_name(line), _CHARACTERS) for line in lines)
            axes.set_title(wrapped, fontsize=9.5, color="#222222", parse_math=False)
            axes.set_box_aspect(1)
            axes.tick_params(labelsize=8)
        for axes in canvas.axes[len(self.portraits) :]:
            axes.set_visible(False)
        return canvas
