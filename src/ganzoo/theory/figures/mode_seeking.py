"""One Gaussian fitted to two modes: what each divergence makes of it."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from math import log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from ganzoo.errors import check_positive
from ganzoo.pictures.plane import BANDS, REAL
from ganzoo.theory import densities
from ganzoo.theory.densities import Density
from ganzoo.theory.figures.figure import COLORS, Figure, legend, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_KINDS: dict[str, Callable[[Density, Density], Tensor]] = {
    "KL(P‖Q)": densities.kullback_leibler,
    "KL(Q‖P)": lambda p, q: densities.kullback_leibler(q, p),
    "Jensen-Shannon": densities.jensen_shannon,
}
_STYLES = dict(zip(_KINDS, ("-", "-", "--"), strict=True))


class GaussianFit(NamedTuple):
    """A Gaussian N(mean, deviation^2) and its divergence from the data."""

    mean: float
    deviation: float
    divergence: float


class ModeSeeking(Figure):
    """The Gaussian of least divergence from a mixture of two Gaussians, for three divergences.

    Each fit is the better one of two: one begins at the mixture's mean and variance, one at its
    heavier part.

    Args:
        weight: of the left part, between 0 and 1.
        deviation: of each part, positive.
        half_distance: of the parts' means, in the left panel.
        half_distances: in the right panel, rising.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        weight: float,
        deviation: float,
        half_distance: float,
        half_distances: Sequence[float],
    ) -> None:
        check_positive(weight=weight, rest=1 - weight, deviation=deviation)
        check_positive(half_distance=half_distance)
        self.weight, self.deviation = weight, deviation
        self.half_distance, self.half_distances = half_distance, list(half_distances)

    @cached_property
    def fits(self) -> dict[str, GaussianFit]:
        """The best Gaussian of each divergence, in the left panel."""
        return {name: self.fit(kind, self.half_distance) for name, kind in _KINDS.items()}

    @cached_property
    def deviations(self) -> dict[str, list[float]]:
        """The standard deviation of the best Gaussian at each half distance."""
        return {
            name: [self.fit(kind, half).deviation for half in self.half_distances]
            for name, kind in _KINDS.items()
        }

    def data(self, half_distance: float) -> Density:
        """The mixture."""
        parts = [densities.normal(side * half_distance, self.deviation) for side in (-1, 1)]
        shares = torch.tensor([self.weight, 1 - self.weight], dtype=torch.float64)
        return densities.mixture(shares, parts)

    def fit(self, kind: Callable[[Density, Density], Tensor], half_distance: float) -> GaussianFit:
        """The best Gaussian by a divergence of data and samples."""
        data, sign = self.data(half_distance), 1 if self.weight < 0.5 else -1
        mean, whole = self._moments(half_distance)
        starts = (mean, log(whole)), (sign * half_distance, log(self.deviation))
        found = [_descend(lambda q: kind(data, q), start) for start in starts]
        return min(found, key=lambda fit: fit.divergence)

    def facts(self) -> Iterable[tuple[str, str]]:
        """The fits."""
        for name, fit in self.fits.items():
            numbers = f"mean {fit.mean:.4f}, deviation {fit.deviation:.4f}"
            yield f"least {name}", f"{fit.divergence:.4f}: {numbers}"
        yield "half distance", "  ".join(f"{half:8.3g}" for half in self.half_distances)
        for name, values in self.deviations.items():
            yield f"deviation: {name}", "  ".join(f"{value:8.4f}" for value in values)

    @property
    def caption(self) -> str:
        """What to see."""
        shown = ", ".join(f"{name} {self._word(fit)}" for name, fit in self.fits.items())
        return (
            "One Gaussian Q cannot be the two modes of P, and the divergence decides what it gives "
            f"up. Left: {shown}. KL(P‖Q) pays for data that Q misses, KL(Q‖P) for samples where "
            "there are no data. Right: as the modes part, a fit that falls back to the deviation "
            f"of one mode (dotted) gives up the other: {self._given_up()}."
        )

    def draw(self) -> "Canvas":
        """The data with the three Gaussians, and how wide these are as the modes part."""
        canvas = panels(2, 9.5, 4.6)
        self._draw_fits(canvas.axes[0])
        self._draw_deviations(canvas.axes[1])
        return canvas

    def _covers(self, deviation: float, half_distance: float) -> bool:
        """Whether a fit is nearer to the deviation of the mixture than to that of a part."""
        _, whole = self._moments(half_distance)
        return deviation > (self.deviation + whole) / 2

    def _word(self, fit: GaussianFit) -> str:
        return "covers both" if self._covers(fit.deviation, self.half_distance) else "seeks one"

    def _given_up(self) -> str:
        said = []
        for name, values in self.deviations.items():
            pairs = zip(self.half_distances, values, strict=True)
            given_up = [half for half, value in pairs if not self._covers(value, half)]
            said.append(f"{name} {f'from {given_up[0]:g} on' if given_up else 'nowhere here'}")
        return ", ".join(said)

    def _moments(self, half_distance: float) -> tuple[float, float]:
        """The mixture's mean and standard deviation."""
        mean = (1 - 2 * self.weight) * half_distance
        return mean, sqrt(self.deviation**2 + half_distance**2 - mean**2)

    def _draw_fits(self, axes: "Axes") -> None:
        reach = self.half_distance + 4
        points = torch.linspace(-reach, reach, 601, dtype=torch.float64)
        heights = self.data(self.half_distance).log(points).exp()
        axes.fill_between(points, heights, color=BANDS[1], lw=0)
        axes.plot(points, heights, color=REAL, lw=1, label="data P")
        for (name, fit), color in zip(self.fits.items(), COLORS[::2], strict=False):
            density = densities.normal(fit.mean, fit.deviation).log(points).exp()
            axes.plot(points, density, _STYLES[name], color=color, lw=2, label=f"least {name}")
        axes.set(xlabel="x", ylabel="density", title="one Gaussian for two modes")
        legend(axes, "upper right")

    def _draw_deviations(self, axes: "Axes") -> None:
        for (name, values), color in zip(self.deviations.items(), COLORS[::2], strict=False):
            style = f"o{_STYLES[name]}"
            axes.plot(self.half_distances, values, style, color=color, lw=1.8, ms=4, label=name)
        axes.axhline(self.deviation, color="#888888", lw=0.9, ls=":")
        axes.set(xlabel="half the distance of the modes", ylabel="deviation of the best Gaussian")
        axes.set_title("when does it give up a mode?")
        legend(axes, "upper left")


def _descend(cost: Callable[[Density], Tensor], start: tuple[float, float]) -> GaussianFit:
    """The Gaussian to which descent leads from a mean and the logarithm of a deviation."""

    def evaluate(numbers: np.ndarray) -> tuple[float, np.ndarray]:
        own = torch.from_numpy(numbers).requires_grad_()
        value = cost(densities.normal(own[0], own[1].exp()))
        (slope,) = torch.autograd.grad(value, own)
        return float(value.detach()), slope.numpy()

    found = minimize(evaluate, np.array(start), jac=True, method="L-BFGS-B")
    return GaussianFit(float(found.x[0]), float(np.exp(found.x[1])), float(found.fun))
