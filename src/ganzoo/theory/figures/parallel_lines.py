"""Two parallel lines: divergences that cannot tell how far apart, and one that can."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from ganzoo.errors import check_positive, check_whole
from ganzoo.losses import PointwiseLoss
from ganzoo.penalties.constraint import Constraint
from ganzoo.theory import parallel_lines
from ganzoo.theory.figures.figure import COLORS, Figure, legend, panels, readable_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_DIVERGENCES = {
    "Wasserstein-1": parallel_lines.wasserstein1,
    "Jensen-Shannon": parallel_lines.jensen_shannon,
    "total variation": parallel_lines.total_variation,
}


class TrainedDiscriminator(NamedTuple):
    """A discriminator that is trained.

    Attributes:
        loss: its objective, and the generator's.
        constraints: on its weights, after each step.
    """

    loss: PointwiseLoss
    constraints: Sequence[Constraint]


class ParallelLines(Figure):
    """Divergences over the distance, and the gradient as the discriminator trains.

    Args:
        trained: discriminators by their names; each is a network of one hidden layer.
        reach: the largest distance to draw.
        distance: at which discriminators are trained, positive.
        steps: after how many updates to look, rising from 0 or more.
        learning_rate: Adam's, positive.
        width: of the hidden layer.
        seed: of its weights.
    """

    def __init__(
        self,
        *,
        trained: Mapping[str, TrainedDiscriminator],
        reach: float,
        distance: float,
        steps: Sequence[int],
        learning_rate: float,
        width: int,
        seed: int,
    ) -> None:
        check_positive(reach=reach, distance=distance)
        check_whole(width=width)
        self.trained = dict(trained)
        self.reach, self.distance, self.steps = reach, distance, list(steps)
        self.learning_rate, self.width, self.seed = learning_rate, width, seed

    @cached_property
    def gradients(self) -> dict[str, list[float]]:
        """Each generator's gradient by theta, after each number of updates."""
        return {
            name: [
                float(
                    parallel_lines.gradient_after_training(
                        part.loss,
                        self._discriminator(),
                        self.distance,
                        steps,
                        self.learning_rate,
                        part.constraints,
                    )
                )
                for steps in self.steps
            ]
            for name, part in self.trained.items()
        }

    def facts(self) -> Iterable[tuple[str, str]]:
        """The divergences at the distance, and the gradients."""
        place = torch.tensor([self.distance])
        yield "Kullback-Leibler", f"{float(parallel_lines.kullback_leibler(place)):.6g}"
        for name, divergence in _DIVERGENCES.items():
            yield name, f"{float(divergence(place)):.6g}"
        yield "updates", "  ".join(f"{steps:10d}" for steps in self.steps)
        for name, values in self.gradients.items():
            yield f"gradient: {name}", "  ".join(f"{value:10.3g}" for value in values)

    @property
    def caption(self) -> str:
        """What to see."""
        ends = ", ".join(
            f"{values[-1]:.2g} ({readable_name(name)})" for name, values in self.gradients.items()
        )
        return (
            "Data lie on the segment x = 0, samples on x = θ. Left: for every θ but 0 the KL "
            "divergence is infinite and the JS divergence ln 2; only the Wasserstein distance "
            "says how far apart they are. Right: the size of the generator's gradient at "
            f"θ = {self.distance:g} as its discriminator trains; after {self.steps[-1]} updates "
            f"it is {ends}; that of the clipped critic is only scaled by the bound on its weights."
        )

    def draw(self) -> "Canvas":
        """Divergences and gradients."""
        canvas = panels(2, 9.5, 4.4)
        self._draw_divergences(canvas.axes[0])
        self._draw_gradients(canvas.axes[1])
        return canvas

    def _draw_divergences(self, axes: "Axes") -> None:
        half = torch.linspace(0, self.reach, 101, dtype=torch.float64)[1:]
        for (name, divergence), color in zip(_DIVERGENCES.items(), COLORS, strict=False):
            for side in (-half.flip(0), half):
                axes.plot(side, divergence(side), color=color, lw=1.8)
            axes.plot([], [], color=color, lw=1.8, label=name)
        for color in (COLORS[1], COLORS[2]):
            axes.plot(0, 0, "o", color=color, ms=5, zorder=5)
        top = 1.25 * max(1.0, self.reach)
        for place in (-0.5 * self.reach, 0.5 * self.reach):
            axes.annotate(
                "",
                (place, top),
                (place, top * 0.9),
                arrowprops={"arrowstyle": "->", "color": "#444"},
            )
        axes.text(0, 0.94 * top, "KL: infinite", ha="center", fontsize=9, color="#444444")
        axes.set(ylim=(-0.05, top), xlabel="distance θ", ylabel="divergence")
        axes.set_title("how far apart are two lines?")
        legend(axes, "lower right")

    def _draw_gradients(self, axes: "Axes") -> None:
        for (name, values), color in zip(self.gradients.items(), COLORS, strict=False):
            sizes = torch.tensor(values).abs().clamp(min=1e-12)
            axes.plot(self.steps, sizes, "o-", color=color, lw=1.8, ms=4, label=readable_name(name))
        axes.set_yscale("log")
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(-0.3, 1.3 * self.steps[-1])
        axes.set(xlabel="updates of the discriminator", ylabel="size of the gradient by θ")
        axes.set_title("what a trained discriminator teaches")
        legend(axes, "lower left")

    def _discriminator(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return nn.Sequential(
                nn.Linear(2, self.width), nn.Tanh(), nn.Linear(self.width, 1), nn.Flatten(0)
            )
