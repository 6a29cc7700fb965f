"""Mirrored and shifted images, as in Karras et al. (2020, arXiv:2006.06676), appendix B."""

from collections.abc import Sequence

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
        bounds = [max(1, int(self.largest * size)) for size in data.shape[2:]]
        return moved(data, *random_sources(data, bounds))


def random_sources(data: Tensor, bounds: Sequence[int]) -> tuple[Tensor, Tensor]:
    """From where images ``[B, C, H, W]`` come that are shifted by whole pixels at random.

    Args:
        data: The images.
        bounds: The largest shifts along the height and along the width.

    Returns:
        The row ``[B, H]`` and the column ``[B, W]`` of each pixel, which may lie outside.
    """
    shifts = [torch.randint(-b, b + 1, (len(data), 1), device=data.device) for b in bounds]
    rows, columns = (torch.arange(size, device=data.device) for size in data.shape[2:])
    return rows + shifts[0], columns + shifts[1]


def moved(data: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Images of the rows ``[B, H]`` and columns ``[B, W]`` of others, whose edges are repeated."""
    rows, columns = rows.clamp(0, data.shape[2] - 1), columns.clamp(0, data.shape[3] - 1)
    samples = torch.arange(len(data), device=data.device)[:, None, None, None]
    channels = torch.arange(data.shape[1], device=data.device)[None, :, None, None]
    return data[samples, channels, rows[:, None, :, None], columns[:, None, None, :]]


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
