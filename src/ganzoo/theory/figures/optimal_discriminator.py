"""The best discriminator, and the value of the game at it."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from math import log
from typing import TYPE_CHECKING

import torch

from ganzoo.errors import check_positive
from ganzoo.losses import PointwiseLoss
from ganzoo.pictures.plane import GENERATED, REAL
from ganzoo.theory import densities
from ganzoo.theory.equilibrium import optimal_discriminator, optimal_loss, optimal_value
from ganzoo.theory.figures.figure import COLORS, Figure, legend, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_POINTS = 33  # of the line in the right panel


class OptimalDiscriminator(Figure):
    """``D* = p/(p + q)`` for two Gaussians, and ``V = -ln 4 + 2 JS`` as they move apart.

    Real data are from N(0, 1), generated data from N(theta, s^2).

    Args:
        loss: the zoo's minimax, whose costs are summed by quadrature to check V.
        place: theta in the left panel.
        deviation: s, positive.
        distances: values of theta in the right panel.
    """

    def __init__(
        self,
        *,
        loss: PointwiseLoss,
        place: float,
        deviation: float,
        distances: Sequence[float],
    ) -> None:
        check_positive(deviation=deviation)
        self.loss, self.place, self.deviation = loss, place, deviation
        self.distances = list(distances)

    @cached_property
    def values(self) -> tuple[list[float], list[float]]:
        """V at each distance: by the divergence, and by the zoo's costs at the best outputs."""
        data = densities.normal(0.0, 1.0)
        others = [densities.normal(place, self.deviation) for place in self.distances]
        costs = [-float(optimal_loss(self.loss, data, other)) for other in others]
        return self._formula(self.distances), costs

    def facts(self) -> Iterable[tuple[str, str]]:
        """V both ways."""
        formula, costs = self.values
        yield "distance theta", "  ".join(f"{place:10.3g}" for place in self.distances)
        yield "-ln 4 + 2 JS", "  ".join(f"{value:10.6f}" for value in formula)
        yield "- loss at D*", "  ".join(f"{value:10.6f}" for value in costs)
        worst = max(abs(a - b) for a, b in zip(formula, costs, strict=True))
        yield "largest difference", f"{worst:.2g}"

    @property
    def caption(self) -> str:
        """What to see."""
        return (
            f"Left: real data N(0, 1), samples N({self.place:g}, {self.deviation:g}²); the best "
            "discriminator is their share p/(p + q), 1/2 where the densities cross. Right: with it "
            "the game's value is -ln 4 + 2 JS (line); the dots are the zoo's minimax loss, summed "
            "by quadrature. It lies between -ln 4 and 0."
        )

    def draw(self) -> "Canvas":
        """Densities with D*, and V."""
        canvas = panels(2, 9.5, 4.4)
        self._draw_densities(canvas.axes[0])
        self._draw_values(canvas.axes[1])
        return canvas

    def _formula(self, distances: Sequence[float]) -> list[float]:
        data = densities.normal(0.0, 1.0)
        others = (densities.normal(place, self.deviation) for place in distances)
        return [float(optimal_value(data, other)) for other in others]

    def _draw_densities(self, axes: "Axes") -> None:
        reach = 3.2 * max(1.0, self.deviation)
        points = torch.linspace(
            min(0.0, self.place) - reach, max(0.0, self.place) + reach, 401, dtype=torch.float64
        )
        real = densities.normal(0.0, 1.0).log(points)
        made = densities.normal(self.place, self.deviation).log(points)
        for logs, color, label in ((real, REAL, "real p"), (made, GENERATED, "generated q")):
            axes.fill_between(points, logs.exp(), color=color, alpha=0.25, lw=0)
            axes.plot(points, logs.exp(), color=color, lw=1.4, label=label)
        axes.plot(points, optimal_discriminator(real, made), color="#1f1f1f", lw=2, label="D*")
        axes.axhline(0.5, color="#888888", lw=0.9, ls=":")
        axes.set(xlabel="x", ylabel="density, probability", title="the best discriminator")
        legend(axes, "upper right")

    def _draw_values(self, axes: "Axes") -> None:
        _, costs = self.values
        line = torch.linspace(self.distances[0], self.distances[-1], _POINTS).tolist()
        axes.plot(line, self._formula(line), color=COLORS[1], lw=2, label="-ln 4 + 2 JS")
        axes.plot(
            self.distances,
            costs,
            "o",
            color=COLORS[0],
            ms=4,
            clip_on=False,
            label="minus loss at D*",
        )
        for level, name in ((-log(4), "-ln 4"), (0.0, "0")):
            axes.axhline(level, color="#888888", lw=0.9, ls=":")
            axes.text(self.distances[-1], level, f" {name}", va="center", fontsize=9, color="#666")
        axes.set(xlabel="distance θ", ylabel="value V of the game", title="the value at D*")
        axes.set_xlim(self.distances[0] - 0.2, self.distances[-1])
        legend(axes, "upper left")
