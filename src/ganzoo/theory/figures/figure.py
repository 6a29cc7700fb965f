"""What all figures share: facts to print, a drawing, and a caption that says what to see."""

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.pictures.plane import new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COLORS = ("#d1495b", "#2f6690", "#2a9d55", "#e08e1b", "#7b4ab5", "#00868b", "#6b6b6b", "#c2549d")
"""Of lines, so that each can be told from the others."""
_CHARACTERS = 13.3  # of the caption in an inch
_MARGIN = 0.1  # around the picture, in inches


class Figure(ABC):
    """A picture that is computed when it is asked for."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """What to see, in words, from numbers of the same computation where it has some."""

    @abstractmethod
    def facts(self) -> Iterable[tuple[str, str]]:
        """The numbers behind it, as pairs of a name and a text."""

    @abstractmethod
    def draw(self) -> "Canvas":
        """The picture without its caption."""

    def save(self, path: Path, *, command: str) -> Path:
        """Write the picture with its caption, as PNG.

        Args:
            path: Where to.
            command: What made it, which the file says of itself.

        Raises:
            InputError: if the file cannot be written.
        """
        canvas = self.draw()
        width = int(canvas.get_figwidth() * _CHARACTERS)
        text = "\n".join(textwrap.wrap(self.caption, width))
        canvas.supxlabel(text, x=0.012, ha="left", fontsize=10, color="#333333", parse_math=False)
        # Without the empty bands that square panels leave above and below.
        return save_figure(
            canvas, path, description=command, bbox_inches="tight", pad_inches=_MARGIN
        )

    def save_summary(  # noqa: B027 - most have none
        self, path: Path, overrides: Sequence[str]
    ) -> None:
        """Write what a sweep's table shows of it, where it has a row there."""

    def print(self) -> None:
        """Print the facts and the caption."""
        from rich.console import Console
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for name, text in self.facts():
            table.add_row(name, text)
        widest = Console(width=10_000).measure(table).maximum  # a log file has no width of its own
        Console(width=widest, highlight=False, markup=False).print(table)
        print("\n" + textwrap.fill(self.caption, 100) + "\n")


def panels(count: int, width: float, height: float) -> "Canvas":
    """A figure of axes side by side, its size in inches."""
    canvas = new_figure((width, height), 1, count)
    for axes in canvas.axes:
        axes.title.set_fontsize(11)
        axes.grid(color="#e6e6e6", linewidth=0.7)
        axes.set_axisbelow(True)
    return canvas


def readable_name(name: str) -> str:
    """A name of a config as a legend shows it."""
    return name.replace("_", " ")


def legend(axes: "Axes", place: Any) -> None:
    """Say what the lines are."""
    axes.legend(loc=place, fontsize=9, frameon=True, framealpha=0.9, edgecolor="#dddddd")
