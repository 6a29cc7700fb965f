"""Changes of data that leave its meaning as it is, for penalties on what they change in a logit.

All draw from torch's global random state, anew for each sample, and gradients flow through them.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from ganzoo.errors import InputError, check_positive


class Augmentation(Protocol):
    """A random change of data ``[B, ...]`` that keeps its shape."""

    def __call__(self, data: Tensor) -> Tensor:
        """Change each sample."""


class HorizontalFlip:
    """Mirror images ``[B, C, H, W]`` left to right, each with probability 1/2."""

    def __call__(self, data: Tensor) -> Tensor:
        """Mirror about half of the images."""
        mirrored = torch.rand(len(data), 1, 1, 1, device=data.device) < 0.5
        return torch.where(mirrored, data.flip(-1), data)


class Shift:
    """Move images ``[B, C, H, W]`` by whole pixels, up, down, left and right; the edge is repeated.

    Args:
        largest: largest shift in each direction, as a share of the image's size, in (0, 1);
            1/8 is 4 pixels of 32. At least one pixel.

    Raises:
        InputError: if ``largest`` is out of range.
    """

    def __init__(self, *, largest: float) -> None:
        check_positive(largest=largest)
        if largest >= 1:
            raise InputError(f"largest is a share of the image's size below 1, not {largest}")
        self.largest = largest

    def __call__(self, data: Tensor) -> Tensor:
        """Move each image by whole pixels, all shifts up to the largest being equally likely."""
        rows, columns = (self._positions(data, axis) for axis in (-2, -1))
        samples = torch.arange(len(data), device=data.device)[:, None, None, None]
        channels = torch.arange(data.shape[1], device=data.device)[None, :, None, None]
        return data[samples, channels, rows[:, None, :, None], columns[:, None, None, :]]

    def _positions(self, data: Tensor, axis: int) -> Tensor:
        """Where each pixel comes from, along one axis of size S: whole numbers ``[B, S]``."""
        size = data.shape[axis]
        bound = max(1, int(self.largest * size))
        shifts = torch.randint(-bound, bound + 1, (len(data), 1), device=data.device)
        return (torch.arange(size, device=data.device) + shifts).clamp(0, size - 1)


class GaussianNoise:
    """Add independent Gaussian noise to every entry of data of any shape.

    Args:
        deviation: of the noise, in the data's units, positive.

    Raises:
        InputError: if ``deviation`` is not positive.
    """

    def __init__(self, *, deviation: float) -> None:
        check_positive(deviation=deviation)
        self.deviation = deviation

    def __call__(self, data: Tensor) -> Tensor:
        """Move each sample by noise."""
        return data + self.deviation * torch.randn_like(data)


class Chain:
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


class ByShape:
    """One augmentation for images ``[B, C, H, W]`` and another for data of any other shape.

    Args:
        images: for images.
        points: for points ``[B, D]`` and all else.
    """

    def __init__(self, *, images: Augmentation, points: Augmentation) -> None:
        self.images = images
        self.points = points

    def __call__(self, data: Tensor) -> Tensor:
        """Apply the one that is made for this shape."""
        fitting = self.images if data.dim() == 4 else self.points
        return fitting(data)
