"""An optimizer on a game: phase portrait, eigenvalues, and the distance over time."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import InputError, check_positive
from ganzoo.theory.figures.distance import draw_distance
from ganzoo.theory.figures.eigenvalues import draw_eigenvalues
from ganzoo.theory.figures.figure import Figure, panels
from ganzoo.theory.figures.phase_portrait import Portrait, draw_portrait, portrait
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.report import FixedPointSearch, Report, report_of
from ganzoo.theory.update_operator import UpdateOperator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


_WIDTH, _HEIGHT = 11.0 / 3, 5.1  # of a panel and of the figure, in inches


class Analysis(Figure):
    """Panels, and the report behind them; :func:`ganzoo.theory.report.report_of`.

    The eigenvalues have a panel where the update can be linearised.

    Args:
        game: the game.
        operator: the optimizer.
        names: what the game and the optimizer are called in the caption and in tables.
        learning_rate: the optimizer's, positive.
        search: for fixed points.
        start: where the trajectory begins, or None.
        displacement: from the fixed point, where start is None.
        steps: of the trajectory.
        tolerance: how far from 1 a modulus is to be told from it.
        largest_learning_rate: the largest to try.

    Raises:
        InputError: if the operator is none, or a number is out of range.
    """

    def __init__(
        self,
        *,
        game: DifferentiableGame,
        operator: UpdateOperator,
        names: Mapping[str, str],
        learning_rate: float,
        search: FixedPointSearch,
        start: Sequence[float] | None,
        displacement: float,
        steps: int,
        tolerance: float,
        largest_learning_rate: float,
    ) -> None:
        check_positive(learning_rate=learning_rate)
        if not isinstance(operator, UpdateOperator) or not isinstance(game, DifferentiableGame):
            raise InputError("game and optimizer must be a game and an update operator")
        self.names = dict(names)
        self.learning_rate = learning_rate
        self._game, self._operator = game, operator
        self._settings = {
            "search": search,
            "start": start,
            "displacement": displacement,
            "steps": steps,
            "tolerance": tolerance,
            "largest": largest_learning_rate,
        }

    @cached_property
    def report(self) -> Report:
        """What the theory says, and the trajectory."""
        return report_of(self._operator, self._game, **self._settings)  # type: ignore[arg-type]

    @cached_property
    def portrait(self) -> Portrait | None:
        """The flow in a plane."""
        return portrait(self._game, self.report.point, self.report.path)

    def facts(self) -> Iterable[tuple[str, str]]:
        """The analysis, line by line."""
        yield from self.names.items()
        yield "learning rate", f"{self.learning_rate:g}"
        yield from self.report.lines()

    @property
    def caption(self) -> str:
        """The verdict, and what each panel shows of it."""
        said, found = ", ".join(f"{k} {v}" for k, v in self.names.items()), self.report
        said = said[0].upper() + said[1:]
        if found.update is None:
            theory = f"The update {found.refusal}. The trajectory {found.behaviour.value}."
        else:
            theory = (
                f"The linearised update {found.verdict} (largest modulus {found.predicted:.4f}); "
                f"the trajectory {found.behaviour.value}."
            )
        middle = "Middle: what is inside the circle dies out, what is outside grows. "
        return (
            f"{said}, learning rate {self.learning_rate:g}. {theory} Left: arrows show where "
            f"gradient flow leads{self._plane()}. {middle if found.update is not None else ''}"
            "Right: a straight line is a constant rate."
        )

    def draw(self) -> "Canvas":
        """The panels."""
        linear = self.report.update is not None
        drawn: dict[str, Callable[[Axes], None]] = {
            "flow and trajectory": self._draw_plane,
            **({"eigenvalues of the update": self._draw_circle} if linear else {}),
            "distance over time": lambda axes: draw_distance(axes, self.report),
        }
        canvas = panels(len(drawn), _WIDTH * len(drawn), _HEIGHT)
        for axes, (title, draw) in zip(canvas.axes, drawn.items(), strict=True):
            axes.set_title(title)
            axes.set_box_aspect(1)
            draw(axes)
        return canvas

    def save_summary(self, path: Path, overrides: Sequence[str]) -> None:
        """Write a row of the verdict table, with the portrait."""
        content = {
            "overrides": list(overrides),
            "row": self._row(),
            "shown": self._shown(),
            "trajectory": self.report.behaviour.value,
            "portrait": None if self.portrait is None else asdict(self.portrait),
        }
        path.write_text(json.dumps(content) + "\n", encoding="utf-8")

    def _row(self) -> dict[str, Any]:
        """Verdicts and numbers; None where there is none."""
        found = self.report
        return {
            "flow": found.flow.verdict.value,
            "update": found.verdict,
            "modulus": found.predicted if found.update is not None else None,
            "measured": None if isnan(found.measured) else found.measured,
            "trajectory": found.behaviour.value,
            "largest stable learning rate": found.largest_stable,
        }

    def _shown(self) -> dict[str, str]:
        row, digits = self._row(), ("modulus", "measured")
        numbers = {name: "" if row[name] is None else f"{row[name]:.6f}" for name in digits}
        return row | numbers | {"largest stable learning rate": self.report.stable}

    def _plane(self) -> str:
        more = self._game.size > 2 and self.portrait is not None
        return ", with all other parameters at the fixed point" if more else ""

    def _draw_plane(self, axes: "Axes") -> None:
        if self.portrait is None:
            _note(axes, "the game has one player:\nno plane to draw")
            return
        draw_portrait(axes, self.portrait)
        axes.legend(  # below, since a trajectory may go anywhere
            loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3, fontsize=8.5, frameon=False,
            handlelength=1.2, columnspacing=1.2,
        )  # fmt: skip

    def _draw_circle(self, axes: "Axes") -> None:
        found = self.report
        assert found.update is not None
        draw_eigenvalues(axes, found.update.eigenvalues, found.flow.eigenvalues, self.learning_rate)


def _note(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color="#555555")
    axes.set(xticks=[], yticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
