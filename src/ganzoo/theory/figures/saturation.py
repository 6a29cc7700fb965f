"""Why the first game's generator saturates."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganzoo.errors import check_positive
from ganzoo.losses import PointwiseLoss
from ganzoo.theory.figures.figure import COLORS, Figure, legend, panels, readable_name
from ganzoo.theory.generator_gradient import location_gradients

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


class Saturation(Figure):
    """The slope of each generator's cost, and its gradient against the best discriminator.

    Real data are from N(0, s^2), generated data from N(theta, s^2).

    Args:
        losses: by their names.
        deviation: s, positive.
        distances: values of theta, each positive.
        logits: the lowest and the highest to draw costs at.
    """

    def __init__(
        self,
        *,
        losses: Mapping[str, PointwiseLoss],
        deviation: float,
        distances: Sequence[float],
        logits: Sequence[float],
    ) -> None:
        check_positive(deviation=deviation, **{f"distances {d}": d for d in distances})
        self.losses = dict(losses)
        self.deviation = deviation
        self.distances = torch.tensor(list(distances), dtype=torch.float64)
        self.logits = torch.linspace(logits[0], logits[1], 201, dtype=torch.float64)

    @cached_property
    def gradients(self) -> dict[str, Tensor]:
        """Each generator's gradient by theta, at each distance."""
        return {
            name: location_gradients(loss, self.distances, self.deviation)
            for name, loss in self.losses.items()
        }

    def slopes(self, loss: PointwiseLoss) -> Tensor:
        """How fast the generator's cost falls as the logit of a sample rises."""
        logits = self.logits.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(loss.generator_cost(logits).sum(), logits)
        return -slopes

    def facts(self) -> Iterable[tuple[str, str]]:
        """The gradients at all distances."""
        yield "distance theta", "  ".join(f"{float(d):10.4g}" for d in self.distances)
        for name, values in self.gradients.items():
            yield name, "  ".join(f"{float(value):10.4g}" for value in values)

    @property
    def caption(self) -> str:
        """What to see."""
        far = float(self.distances[-1])
        ends = ", ".join(
            f"{float(g[-1]):.2g} ({readable_name(name)})" for name, g in self.gradients.items()
        )
        return (
            "Left: a sample that the discriminator is sure is fake has a low logit; there the "
            "saturating cost is flat, and the non-saturating one is steepest. Right: the "
            f"generator's gradient against the best discriminator. At a distance of {far:g} it is "
            f"{ends}."
        )

    def draw(self) -> "Canvas":
        """Slopes and gradients."""
        canvas = panels(2, 9.5, 4.4)
        slope, gradient = canvas.axes
        for (name, loss), color in zip(self.losses.items(), COLORS, strict=False):
            slope.plot(
                self.logits, self.slopes(loss), color=color, lw=1.8, label=readable_name(name)
            )
            gradient.semilogy(
                self.distances,
                self.gradients[name],
                "o-",
                color=color,
                lw=1.8,
                ms=3,
                label=readable_name(name),
            )
        slope.set(
            xlabel="logit of a generated sample",
            ylabel="slope of the generator's cost",
            title="what one sample teaches",
        )
        gradient.set(
            xlabel="distance θ between data and samples",
            ylabel="gradient by θ",
            title="gradient against the best discriminator",
        )
        legend(slope, "center right")
        legend(gradient, "lower left")
        return canvas
