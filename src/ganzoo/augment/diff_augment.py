"""The transforms of DiffAugment."""

from collections.abc import Mapping

import torch
from torch import Tensor

from ganzoo.augment.base import Augmentation, as_augmentations
from ganzoo.augment.geometry import check_image_data, moved, random_sources
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative


@defaults_from("augment/diff_augment")
class DiffAugment(Augmentation):
    """Colours, place and a cut-out rectangle of every image that the discriminator sees change.

    Zhao et al. (2020), "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv
    2006.10738). Real and generated images are changed in the steps of both players, and gradients
    pass the changes. The authors choose policies by data: colour, translation and cutout on few
    pictures, translation and cutout on CIFAR with BigGAN, colour and cutout with StyleGAN2.

    Args:
        policies: Named augmentations in the order in which they are applied; None leaves one out.
    """

    def __init__(self, *, policies: Mapping[str, Augmentation | None] = FROM_CONFIG) -> None:
        super().__init__()
        self.policies = as_augmentations({k: v for k, v in policies.items() if v is not None})

    def forward(self, data: Tensor) -> Tensor:
        """Apply all policies to images ``[B, C, H, W]``."""
        check_image_data(self, data)
        changed: Tensor = self.policies(data)
        return changed


@defaults_from("augment/diff_augment")
class ColorJitter(Augmentation):
    """Change brightness, then saturation, then contrast of each image.

    The policy "color" of Zhao et al. (2020, arXiv 2006.10738), as in the authors' code: a number is
    added to all channels, the distance of each pixel from the mean of its channels is multiplied,
    and that from the mean of the image is. With one channel there is no saturation.

    Args:
        brightness: The number added is up to this, of either sign.
        saturation: The factor is up to this above or below 1.
        contrast: The other factor is.

    Raises:
        InputError: if a number is negative.
    """

    def __init__(
        self,
        *,
        brightness: float = FROM_CONFIG,
        saturation: float = FROM_CONFIG,
        contrast: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_not_negative(brightness=brightness, saturation=saturation, contrast=contrast)
        self.brightness, self.saturation, self.contrast = brightness, saturation, contrast

    def forward(self, data: Tensor) -> Tensor:
        """Change the colours of images ``[B, C, H, W]``."""
        data = data + _around(0.0, self.brightness, data)
        grey = data.mean(dim=1, keepdim=True)
        data = grey + (data - grey) * _around(1.0, self.saturation, data)
        mean = data.mean(dim=(1, 2, 3), keepdim=True)
        return mean + (data - mean) * _around(1.0, self.contrast, data)


@defaults_from("augment/diff_augment")
class Translation(Augmentation):
    """Shift each image by whole pixels along both axes; what it uncovers is 0.

    The policy "translation" of Zhao et al. (2020, arXiv 2006.10738), as in the authors' code.

    Args:
        largest: Shift in each direction, as a share of the image's size, rounded to whole pixels.

    Raises:
        InputError: if it is negative.
    """

    def __init__(self, *, largest: float = FROM_CONFIG) -> None:
        super().__init__()
        check_not_negative(largest=largest)
        self.largest = largest

    def forward(self, data: Tensor) -> Tensor:
        """Shift images ``[B, C, H, W]``, all shifts up to the largest being equally likely."""
        check_image_data(self, data)
        sources = random_sources(data, [_rounded(self.largest * size) for size in data.shape[2:]])
        rows, columns = (
            (at >= 0) & (at < size) for at, size in zip(sources, data.shape[2:], strict=True)
        )
        return moved(data, *sources) * _rectangles(rows, columns)


@defaults_from("augment/diff_augment")
class Cutout(Augmentation):
    """Set a rectangle of each image to 0.

    The policy "cutout" of Zhao et al. (2020, arXiv 2006.10738), as in the authors' code, after
    DeVries and Taylor (2017, arXiv 1708.04552). Its centre is anywhere in the image or at its
    border, so that part of it may lie outside.

    Args:
        size: Of the rectangle's sides, as a share of the image's, rounded to whole pixels; the
            authors' is 0.5, that of Projected GAN 0.2.

    Raises:
        InputError: if it is not in [0, 1].
    """

    def __init__(self, *, size: float = FROM_CONFIG) -> None:
        super().__init__()
        if not 0 <= size <= 1:
            raise InputError(f"size of the cutout is a share of the image's, not {size}")
        self.size = size

    def forward(self, data: Tensor) -> Tensor:
        """Cut out of images ``[B, C, H, W]``."""
        check_image_data(self, data)
        return data * ~_rectangles(*(self._cut(data, axis) for axis in (-2, -1)))

    def _cut(self, data: Tensor, axis: int) -> Tensor:
        """Which rows, or columns, the rectangle covers: bool ``[B, S]``."""
        size = data.shape[axis]
        length = _rounded(self.size * size)
        centres = torch.randint(size + 1 - length % 2, (len(data), 1), device=data.device)
        first = centres - length // 2
        places = torch.arange(size, device=data.device)
        return (places >= first) & (places < first + length)


def _around(middle: float, reach: float, data: Tensor) -> Tensor:
    """A number for each sample, uniform up to so far from the middle: ``[B, 1, 1, 1]``."""
    drawn = torch.rand(len(data), 1, 1, 1, dtype=data.dtype, device=data.device)
    return middle + (2 * drawn - 1) * reach


def _rectangles(rows: Tensor, columns: Tensor) -> Tensor:
    """Where both hold, of ``[B, H]`` and ``[B, W]``: bool ``[B, 1, H, W]``."""
    return (rows[:, :, None] & columns[:, None])[:, None]


def _rounded(pixels: float) -> int:
    return int(pixels + 0.5)
