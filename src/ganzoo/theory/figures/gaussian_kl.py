"""KL between Gaussians, its gradient, and what the variance does to both."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ganzoo.errors import check_positive
from ganzoo.theory.figures.figure import COLORS, Figure, legend, panels
from ganzoo.theory.gaussians import gaussian, isotropic, kullback_leibler

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas


class GaussianKL(Figure):
    """``(theta - theta_0)^2 / (2 eps^2)``, its slope, and level lines in the plane.

    Args:
        deviations: values of eps, each positive.
        reach: the largest ``|theta - theta_0|``, positive.
        covariance: of both Gaussians in the plane, two rows of two numbers.
        levels: of KL that are drawn in the plane, rising.
    """

    def __init__(
        self,
        *,
        deviations: Sequence[float],
        reach: float,
        covariance: Sequence[Sequence[float]],
        levels: Sequence[float],
    ) -> None:
        check_positive(reach=reach, **{f"deviations {d}": d for d in deviations})
        self.deviations, self.reach = list(deviations), reach
        self.covariance = torch.tensor([list(row) for row in covariance], dtype=torch.float64)
        self.target = gaussian(torch.zeros(2).double(), self.covariance)
        self.levels = list(levels)

    @cached_property
    def places(self) -> Tensor:
        """Values of theta - theta_0."""
        return torch.linspace(-self.reach, self.reach, 61, dtype=torch.float64)

    def divergence(self, deviation: float) -> tuple[Tensor, Tensor]:
        """KL and its gradient by theta, by autograd, at the places."""
        theta = self.places.clone().requires_grad_()
        target = isotropic(torch.zeros(1).double(), deviation)
        values = torch.stack(
            [kullback_leibler(isotropic(place[None], deviation), target) for place in theta]
        )
        (slopes,) = torch.autograd.grad(values.sum(), theta)
        return values.detach(), slopes

    def facts(self) -> Iterable[tuple[str, str]]:
        """KL and its gradient at the largest distance."""
        yield "theta - theta_0", f"{self.reach:g}"
        for deviation in self.deviations:
            values, slopes = self.divergence(deviation)
            yield f"eps {deviation:g}", f"KL {float(values[-1]):.6g}, slope {float(slopes[-1]):.6g}"
        yield "steepest to flattest", f"{self._ratio():.4g} times in the plane"

    @property
    def caption(self) -> str:
        """What to see."""
        return (
            "Left and middle: KL between N(θ, ε²) and N(θ₀, ε²) is a parabola, its gradient "
            "(θ - θ₀)/ε² a line: half the deviation, four times the gradient. Right: in the plane "
            "KL is half the squared Mahalanobis distance; its level lines are ellipses, and the "
            f"gradient is {self._ratio():.3g} times as steep across them as along them."
        )

    def draw(self) -> "Canvas":
        """KL, its gradient, and the plane."""
        canvas = panels(3, 11.0, 4.4)
        value, slope, plane = canvas.axes
        for deviation, color in zip(self.deviations, COLORS, strict=False):
            values, slopes = self.divergence(deviation)
            style: dict[str, Any] = {"color": color, "lw": 1.8, "label": f"ε = {deviation:g}"}
            value.plot(self.places, values, **style)
            slope.plot(self.places, slopes, **style)
        value.set(xlabel="θ - θ₀", ylabel="KL", title="divergence")
        slope.set(xlabel="θ - θ₀", ylabel="gradient by θ", title="gradient")
        legend(value, "upper center")
        legend(slope, "upper left")
        self._draw_plane(plane)
        for axes in canvas.axes:
            axes.set_box_aspect(1)
        return canvas

    def _draw_plane(self, axes: "Axes") -> None:
        side = torch.linspace(-self.reach, self.reach, 61, dtype=torch.float64)
        heights = torch.tensor([[self._at(x, y) for x in side.tolist()] for y in side.tolist()])
        lines = axes.contour(side, side, heights, levels=self.levels, colors="#2f6690")
        axes.clabel(lines, fmt="%g", fontsize=8)
        axes.plot(0, 0, "x", color="#1f1f1f", ms=8, mew=2)
        axes.set(
            aspect="equal",
            xlabel="first mean, from its target",
            ylabel="second mean, from its target",
        )
        axes.set_title("KL in the plane")

    def _at(self, x: float, y: float) -> float:
        place = torch.tensor([x, y], dtype=torch.float64)
        return float(kullback_leibler(gaussian(place, self.covariance), self.target))

    def _ratio(self) -> float:
        spread = torch.linalg.eigvalsh(self.covariance)
        return float(spread[-1] / spread[0])
