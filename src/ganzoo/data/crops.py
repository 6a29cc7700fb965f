"""Random parts of pictures."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.data.checks import ImageSize, picture_shape
from ganzoo.data.images import resized
from ganzoo.data.plan import ProcessShare, Purpose, seeded
from ganzoo.data.source import Batches, Collection, Labelled
from ganzoo.data.wrapper import Wrapper
from ganzoo.errors import InputError, check_positive


class RandomCrops(Wrapper):
    """Training sees random parts of larger pictures; else they are seen as wholes.

    The augmentation of pix2pix (Isola et al. 2017, arXiv 1611.07004, section 6.2), whose 256
    pixels are cut from 286. Each picture is cut anew each time, at a place that depends on the
    seed, the iteration and its place in it. Elsewhere, for measures and pictures, the wholes are
    resized, as the authors do when they test.

    Args:
        source: Makes the collection when called with ``image_size``, height and width of its
            pictures.
        image_size: Height and width of the parts in pixels, one number or two.
        scale: How many times higher and wider the pictures are, at least 1.

    Raises:
        InputError: if the size or the scale are impossible.
    """

    def __init__(
        self,
        *,
        source: Callable[..., Collection],
        image_size: ImageSize,
        scale: float,
    ) -> None:
        check_positive(scale_before_crop=scale)
        if scale < 1:
            raise InputError(f"scale_before_crop must be at least 1, not {scale}")
        _, height, width = picture_shape(channels=1, image_size=image_size)
        self.source = source(image_size=(round(height * scale), round(width * scale)))
        self.shape = (self.source.shape[0], height, width)

    def batches(self, *, shares: ProcessShare, seed: int, horizontal_flip: bool) -> Batches:
        """Return the batches of one process."""
        wholes = self.source.batches(shares=shares, seed=seed, horizontal_flip=horizontal_flip)
        return _Cropped(wholes, self.shape[1:], shares, seed)

    def real(self, count: int, seed: int) -> Labelled:
        """Choose pictures, resized as wholes."""
        images, labels = self.source.real(count, seed)
        if images.shape[1:] == self.shape:
            return images, labels
        return resized(images, *self.shape[1:]), labels


class _Cropped:
    """Random parts of the pictures of other batches; devices do not change which."""

    def __init__(
        self, batches: Batches, size: tuple[int, ...], shares: ProcessShare, seed: int
    ) -> None:
        self._batches, self._shares, self._seed = batches, shares, seed
        self._size = size

    def __getitem__(self, iteration: int) -> Labelled:
        images, labels = self._batches[iteration]
        room = torch.tensor(images.shape[2:]) - torch.tensor(self._size)
        if not room.any():
            return images, labels
        generator = seeded(self._seed, Purpose.CROP, iteration)
        places = self._shares.take(torch.rand(self._shares.total, 2, generator=generator))
        corners = (places * (room + 1)).long()
        return self._cut(images, corners), labels

    def _cut(self, images: Tensor, corners: Tensor) -> Tensor:
        height, width = self._size
        return torch.stack(
            [
                image[:, top : top + height, left : left + width]
                for image, (top, left) in zip(images, corners.tolist(), strict=True)
            ]
        )
