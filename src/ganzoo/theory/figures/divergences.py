"""Divergences between two Gaussians, and between two boxes, as they move apart."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from math import inf, log
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.errors import check_positive
from ganzoo.losses import divergences
from ganzoo.theory import densities
from ganzoo.theory.densities import Density
from ganzoo.theory.figures.figure import COLORS, Figure, legend, panels
from ganzoo.theory.transport import density_wasserstein1

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_BOUND = "#888888"


def _total_variation(p: Density, q: Density) -> Tensor:
    return densities.divergence(divergences.TotalVariation(), p, q)


def _squared_hellinger(p: Density, q: Density) -> Tensor:
    return densities.divergence(divergences.SquaredHellinger(), p, q)


_KINDS: dict[str, Callable[[Density, Density], Tensor]] = {
    "KL(P‖Q)": densities.kullback_leibler,
    "KL(Q‖P)": lambda p, q: densities.kullback_leibler(q, p),
    "Jensen-Shannon": densities.jensen_shannon,
    "total variation": _total_variation,
    "squared Hellinger": _squared_hellinger,
    "Wasserstein-1": density_wasserstein1,
}


class Divergences(Figure):
    """Six divergences over the distance of two distributions, with and without overlap.

    Left P is N(0, 1) and Q is N(theta, s^2); right both are uniform, on [0, 1] and on
    [theta, theta + 1].

    Args:
        deviation: s, positive.
        distances: values of theta, rising from 0.
        highest: where the picture ends, positive.
    """

    def __init__(self, *, deviation: float, distances: Sequence[float], highest: float) -> None:
        check_positive(deviation=deviation, highest=highest)
        self.deviation, self.distances, self.highest = deviation, list(distances), highest

    @cached_property
    def of_gaussians(self) -> dict[str, list[float]]:
        """Each divergence at each distance."""
        data = densities.normal(0.0, 1.0)
        return self._values(data, lambda place: densities.normal(place, self.deviation))

    @cached_property
    def of_boxes(self) -> dict[str, list[float]]:
        """Each divergence at each distance."""
        return self._values(
            densities.uniform(0, 1), lambda place: densities.uniform(place, place + 1)
        )

    def facts(self) -> Iterable[tuple[str, str]]:
        """The divergences at a few distances."""
        every = max(1, len(self.distances) // 6)
        for title, table in (("Gaussians", self.of_gaussians), ("boxes", self.of_boxes)):
            yield title, ""
            yield "distance theta", "  ".join(f"{place:8.3g}" for place in self.distances[::every])
            for name, values in table.items():
                yield name, "  ".join(f"{value:8.4f}" for value in values[::every])

    @property
    def caption(self) -> str:
        """What to see."""
        return (
            f"Left: P = N(0, 1), Q = N(θ, {self.deviation:g}²). The KL divergences differ with "
            "their direction and grow without bound; Jensen-Shannon ends at ln 2, total variation "
            "at 1 and squared Hellinger at 2. Right: two boxes of width 1. Once they part, at "
            "θ = 1, all but the Wasserstein distance are constant, and KL is infinite as soon as "
            "they are not equal."
        )

    def draw(self) -> "Canvas":
        """Gaussians and boxes."""
        canvas = panels(2, 9.5, 4.6)
        self._draw(canvas.axes[0], self.of_gaussians, "two Gaussians")
        self._draw(canvas.axes[1], self.of_boxes, "two boxes")
        canvas.axes[1].text(0.08, 0.95 * self.highest, "KL, both: infinite for θ > 0", fontsize=9)
        legend(canvas.axes[0], "upper left")
        return canvas

    def _values(self, data: Density, moved: Callable[[float], Density]) -> dict[str, list[float]]:
        return {
            name: [float(kind(data, moved(place))) for place in self.distances]
            for name, kind in _KINDS.items()
        }

    def _draw(self, axes: "Axes", table: dict[str, list[float]], title: str) -> None:
        for (name, values), color in zip(table.items(), COLORS, strict=False):
            shown = torch.tensor(values)
            axes.plot(
                self.distances, shown.masked_fill(shown == inf, torch.nan), color=color, lw=1.8,
                label=name,
            )  # fmt: skip
        for level, name in ((log(2), "ln 2"), (1.0, "1"), (2.0, "2")):
            axes.axhline(level, color=_BOUND, lw=0.9, ls=":", zorder=1)
            axes.text(self.distances[-1], level, f" {name}", va="center", fontsize=9, color=_BOUND)
        axes.set(ylim=(0, self.highest), xlim=(0, self.distances[-1]))
        axes.set(xlabel="distance θ", ylabel="divergence", title=title)
