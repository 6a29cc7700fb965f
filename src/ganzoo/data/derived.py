"""Second domains that are computed from pictures: their edges, and their negatives."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.data.source import Collection, Labelled
from ganzoo.data.wrapper import Wrapper

# Sobel's filters give so many times the difference of what is beside a straight edge.
_STEPS = 4


class WithEdges(Wrapper, Collection):
    """Pictures behind their edges, in one picture's channels: to be split into pairs.

    Args:
        source: The pictures, of C channels.
    """

    def __init__(self, *, source: Collection) -> None:
        self.source = source
        channels, *size = source.shape
        self.shape = (1 + channels, *size)

    def gather(self, indices: Tensor) -> Labelled:
        """Return uint8 pictures ``[B, 1 + C, H, W]``, edges first, and labels ``[B]``."""
        images, labels = self.source.gather(indices)
        return torch.cat([edges(images), images], dim=1), labels


class Negatives(Wrapper, Collection):
    """The negatives of pictures: white for black.

    Args:
        source: The pictures.
    """

    def __init__(self, *, source: Collection) -> None:
        self.source = source
        self.shape = source.shape

    def gather(self, indices: Tensor) -> Labelled:
        """Return uint8 pictures ``[B, C, H, W]`` and labels ``[B]``."""
        images, labels = self.source.gather(indices)
        return 255 - images, labels


def edges(images: Tensor) -> Tensor:
    """How steep pictures are at each pixel, by Sobel's filters.

    The length of the gradient, in the channel where it is longest; 255 is a straight edge between
    black and white. Beyond the border the pictures go on as they are there.

    Args:
        images: uint8 ``[B, C, H, W]``.

    Returns:
        uint8 ``[B, 1, H, W]``.
    """
    levels = functional.pad(images.float(), [1, 1, 1, 1], mode="replicate")
    across = _difference(_smooth(levels, 2), 3)
    down = _difference(_smooth(levels, 3), 2)
    steepness = torch.hypot(across, down).amax(1, keepdim=True) / _STEPS
    return steepness.round().clamp(max=255).to(torch.uint8)


def _smooth(levels: Tensor, axis: int) -> Tensor:
    before, here, after = (levels.narrow(axis, i, levels.shape[axis] - 2) for i in range(3))
    return before + 2 * here + after


def _difference(levels: Tensor, axis: int) -> Tensor:
    length = levels.shape[axis] - 2
    return levels.narrow(axis, 2, length) - levels.narrow(axis, 0, length)
