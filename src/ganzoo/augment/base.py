"""What every augmentation offers, and how several are put together."""

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, described


class Augmentation(nn.Module, ABC):
    """A random change of data ``[B, ...]`` that keeps its shape.

    All draw from torch's global random state, anew for each sample, and gradients flow through
    them: Zhao et al. (2020, arXiv:2006.10738), "Differentiable Augmentation", show why a generator
    must be trained through the changes that its discriminator sees.

    One that changes with time has ``begin_iteration(progress)``, which the game calls before each
    iteration; one that adapts has ``after_step(player)``, which it calls after each step, and which
    may return named scalars to be logged beside the terms of that player. One that lets generated
    data pass as real in the discriminator's steps has ``shown_as_real(real, fake)``.
    """

    @abstractmethod
    def forward(self, data: Tensor) -> Tensor:
        """Change each sample."""


class Chain(Augmentation):
    """One augmentation after another.

    Args:
        steps: what to apply, in this order; functions of data among them.
    """

    def __init__(self, *, steps: Sequence[Augmentation]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(map(as_augmentation, steps))

    def forward(self, data: Tensor) -> Tensor:
        """Apply all of them."""
        for step in self.steps:
            data = step(data)
        return data


@defaults_from("penalty/base/augmentation")
class ByShape(Augmentation):
    """One augmentation for images ``[B, C, H, W]`` and another for data of any other shape.

    Args:
        images: for images.
        points: for points ``[B, D]`` and all else.
    """

    def __init__(
        self, *, images: Augmentation = FROM_CONFIG, points: Augmentation = FROM_CONFIG
    ) -> None:
        super().__init__()
        self.images = images
        self.points = points

    def forward(self, data: Tensor) -> Tensor:
        """Apply the one that is made for this shape."""
        changed: Tensor = self.images(data) if data.dim() == 4 else self.points(data)
        return changed


class FunctionAugmentation(Augmentation):
    """A function of a user's own, from data ``[B, ...]`` to as much changed data.

    Args:
        function: It; a module is part of the model.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.own = function

    def forward(self, data: Tensor) -> Tensor:
        """Call the function."""
        return self.own(data)


def as_augmentations(augmentations: Any) -> nn.Sequential:
    """Take named augmentations, functions among them, for a chain of modules.

    Raises:
        InputError: if they have no names that a module can have, or one cannot be called.
    """
    if not isinstance(augmentations, Mapping) or not all(map(callable, augmentations.values())):
        raise InputError(
            "augmentations must be a dictionary from a name of yours to each augmentation, a "
            f"ganzoo.augment.Augmentation or a function of data; it is {described(augmentations)}"
        )
    parts = {name: as_augmentation(part) for name, part in augmentations.items()}
    try:
        return nn.Sequential(OrderedDict(parts))
    except KeyError as error:  # a dot, or a method of torch's modules
        raise InputError(f"give an augmentation another name: {error.args[0]}") from error


def as_augmentation(part: Callable[[Tensor], Tensor]) -> Augmentation:
    """Take a function of data for an augmentation, if it is none."""
    return part if isinstance(part, Augmentation) else FunctionAugmentation(part)
