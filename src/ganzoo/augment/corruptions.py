"""Images with noise, or with a rectangle cut out."""

import torch
from torch import Tensor

from ganzoo.augment.draws import Draws
from ganzoo.augment.transform import Transform
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative


@defaults_from("augment/ada")
class RandomNoise(Transform):
    """Add Gaussian noise whose deviation is drawn for each image, half of a normal distribution.

    Karras et al. (2020, arXiv 2006.06676), appendix B.5.

    Args:
        multiplier: Of the pipe's probability; 0 leaves it out.
        deviation: Of the distribution of deviations.

    Raises:
        InputError: if a number is negative.
    """

    def __init__(self, *, multiplier: float = FROM_CONFIG, deviation: float = FROM_CONFIG) -> None:
        super().__init__()
        check_not_negative(multiplier=multiplier, deviation=deviation)
        self.multiplier, self.deviation = multiplier, deviation

    def forward(self, images: Tensor, probability: Tensor | float) -> Tensor:
        """Add noise to each image."""
        if not self.multiplier:
            return images
        draws = Draws(len(images), probability)
        sizes = draws.pick(self.multiplier, 0.0, lambda: draws.normal().abs()) * self.deviation
        sizes = sizes.to(images, non_blocking=True)[:, None, None, None]
        return images + sizes * torch.randn_like(images)


@defaults_from("augment/ada")
class RandomCutout(Transform):
    """Set a rectangle of each image to 0.

    Karras et al. (2020, arXiv 2006.06676), appendix B.5, after DeVries and Taylor (2017, arXiv
    1708.04552). Its centre is anywhere in the image, so that part of it may lie outside.

    Args:
        multiplier: Of the pipe's probability; 0 leaves it out.
        size: Of the rectangle's sides, as a share of the image's, in [0, 1].

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(self, *, multiplier: float = FROM_CONFIG, size: float = FROM_CONFIG) -> None:
        super().__init__()
        check_not_negative(multiplier=multiplier)
        if not 0 <= size <= 1:
            raise InputError(f"size of the cutout is a share of the image's, not {size}")
        self.multiplier, self.size = multiplier, size

    def forward(self, images: Tensor, probability: Tensor | float) -> Tensor:
        """Cut out of each image."""
        if not self.multiplier:
            return images
        draws = Draws(len(images), probability)
        chosen = draws.chosen(self.multiplier * draws.probability)
        sizes = torch.where(chosen, self.size, 0.0)
        centres = draws.uniform(2)
        found = torch.cat([centres, sizes[:, None]], dim=1).to(images, non_blocking=True)
        x, y, size = found[:, :, None].unbind(dim=1)
        rows, columns = (
            (_centres(images, axis) - c).abs() < size / 2 for axis, c in ((-2, y), (-1, x))
        )
        return images.masked_fill((rows[:, :, None] & columns[:, None])[:, None], 0.0)


def _centres(images: Tensor, axis: int) -> Tensor:
    """The centres of the pixels along an axis, as shares of its length."""
    size = images.shape[axis]
    return (torch.arange(size, device=images.device, dtype=images.dtype) + 0.5) / size
