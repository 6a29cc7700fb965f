"""Mirrored and shifted images, as in Karras et al. (2020, arXiv:2006.06676), appendix B."""

import torch
from torch import Tensor

from ganzoo.augment.base import Augmentation
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive


class HorizontalFlip(Augmentation):
    """Mirror images ``[B, C, H, W]`` left to right, each with probability 1/2.

    Raises:
        InputError: for data of another shape.
    """

    def forward(self, data: Tensor) -> Tensor:
        """Mirror about half of the images."""
        check_image_data(self, data)
        mirrored = torch.rand(len(data), 1, 1, 1, device=data.device) < 0.5
        return torch.where(mirrored, data.flip(-1), data)


@defaults_from("augment/shift")
class Shift(Augmentation):
    """Shift images ``[B, C, H, W]`` by whole pixels along both axes; the edge is repeated.

    Args:
        largest: largest shift in each direction, as a share of the image's size, in (0, 1);
            1/8 is 4 pixels of 32. At least one pixel.

    Raises:
        InputError: if ``largest`` is out of range; later, for data of another shape.
    """

    def __init__(self, *, largest: float = FROM_CONFIG) -> None:
        super().__init__()
        check_positive(largest=largest)
        if largest >= 1:
            raise InputError(f"largest is a share of the image's size below 1, not {largest}")
        self.largest = largest

    def forward(self, data: Tensor) -> Tensor:
        """Shift each image by whole pixels, all shifts up to the largest being equally likely."""
        check_image_data(self, data)
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


def check_image_data(augmentation: Augmentation, data: Tensor) -> None:
    """Refuse data that is not images ``[B, C, H, W]``.

    Raises:
        InputError: naming the augmentation.
    """
    if data.dim() != 4:
        raise InputError(
            f"{type(augmentation).__name__} changes images [B, C, H, W], not data of shape "
            f"{list(data.shape)}: leave it out, or choose a data set of images"
        )
