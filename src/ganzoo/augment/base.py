"""What every augmentation offers, and how several are put together."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from


class Augmentation(ABC):
    """A random change of data ``[B, ...]`` that keeps its shape.

    All draw from torch's global random state, anew for each sample, and gradients flow through
    them: Zhao et al. (2020, arXiv:2006.10738), "Differentiable Augmentation", show why a generator
    must be trained through the changes that its discriminator sees.
    """

    @abstractmethod
    def __call__(self, data: Tensor) -> Tensor:
        """Change each sample."""

    def at(self, update: int) -> None:  # noqa: B027 - most stay as they are
        """Become what it is at the generator's update of this number, from 0."""


class Chain(Augmentation):
    """One augmentation after another.

    Args:
        steps: what to apply, in this order.
    """

    def __init__(self, *, steps: Sequence[Augmentation]) -> None:
        self.steps = list(steps)

    def __call__(self, data: Tensor) -> Tensor:
        """Apply all of them."""
        for step in self.steps:
            data = step(data)
        return data

    def at(self, update: int) -> None:
        """Tell each of them."""
        for step in self.steps:
            step.at(update)


@defaults_from("penalty/augmentation/gentle")
class ByShape(Augmentation):
    """One augmentation for images ``[B, C, H, W]`` and another for data of any other shape.

    Args:
        images: for images.
        points: for points ``[B, D]`` and all else.
    """

    def __init__(
        self, *, images: Augmentation = FROM_CONFIG, points: Augmentation = FROM_CONFIG
    ) -> None:
        self.images = images
        self.points = points

    def __call__(self, data: Tensor) -> Tensor:
        """Apply the one that is made for this shape."""
        fitting = self.images if data.dim() == 4 else self.points
        return fitting(data)

    def at(self, update: int) -> None:
        """Tell both of them."""
        self.images.at(update)
        self.points.at(update)
