"""Pictures kept in memory as one uint8 tensor."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from ganzoo.data.checks import ImageSize, picture_shape, proportional
from ganzoo.data.source import Collection, Labelled

# Pictures resized at once: bounds the memory that the floating-point copy takes.
_CHUNK = 2048


def to_model_range(data: Tensor) -> Tensor:
    """Turn uint8 pictures ``[B, C, H, W]`` into float32 in [-1, 1]; other data stays as it is."""
    if data.dtype != torch.uint8:
        return data
    return data.to(torch.float32).div_(127.5).sub_(1)


def in_model_range(tree: Any) -> Any:
    """Do so with all tensors of a list or a dictionary, or with the one tensor that it is."""
    if isinstance(tree, dict):
        return {name: in_model_range(data) for name, data in tree.items()}
    if isinstance(tree, list):
        return [in_model_range(data) for data in tree]
    return to_model_range(tree)


def fitted(images: Tensor, *, channels: int, image_size: ImageSize, padding: int) -> Tensor:
    """Bring pictures to the channels and the size that the networks expect.

    Args:
        images: uint8 ``[N, C, H, W]``, C 1 or 3.
        channels: 1 turns colour into grey (ITU-R 601), 3 repeats grey; 2 and 4 add a channel
            which says that nothing is transparent.
        image_size: Height and width in pixels: one number, or two. Of pictures of another size
            the largest centred part of these proportions is resized, bicubic with antialiasing.
        padding: Black pixels put around each side instead, where they give ``image_size``.

    Returns:
        uint8 ``[N, channels, height, width]``.
    """
    channels, height, width = picture_shape(channels=channels, image_size=image_size)
    images = _in_channels(images, channels)
    high, wide = images.shape[-2:]
    if (high + 2 * padding, wide + 2 * padding) == (height, width):
        return torch.nn.functional.pad(images, [padding] * 4)
    if (high, wide) == (height, width):
        return images.contiguous()
    part = proportional(high, wide, height, width)
    cut = v2.functional.center_crop(images, list(part))
    return resized(cut, height, width)


def _in_channels(images: Tensor, channels: int) -> Tensor:
    if channels <= 2 < images.shape[1]:
        images = v2.functional.rgb_to_grayscale(images)
    elif images.shape[1] == 1 and channels > 2:
        images = images.repeat(1, 3, 1, 1)
    if images.shape[1] == channels:
        return images
    return torch.cat([images, torch.full_like(images[:, :1], 255)], dim=1)


def resized(images: Tensor, height: int, width: int) -> Tensor:
    """Resize uint8 pictures ``[N, C, H, W]`` as wholes, bicubic with antialiasing."""
    bicubic = v2.InterpolationMode.BICUBIC
    parts = [
        v2.functional.resize(some, [height, width], interpolation=bicubic, antialias=True)
        for some in torch.split(images, _CHUNK)
    ]
    return torch.cat(parts)


class StoredImages(Collection):
    """Pictures that come as arrays and are kept in memory whatever their size.

    Args:
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width in pixels: one number, or two.
        padding: Black pixels around each side where they give ``image_size``; other sizes are
            resized.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(self, *, channels: int, image_size: ImageSize, padding: int) -> None:
        self.shape = picture_shape(channels=channels, image_size=image_size)
        self._padding = padding
        self._images = torch.empty(0, *self.shape, dtype=torch.uint8)
        self._labels: Tensor | None = None

    @abstractmethod
    def load(self) -> tuple[Tensor, Tensor | None, int | None]:
        """Return uint8 pictures ``[N, C, S, S]``, int64 labels ``[N]`` and number of classes."""

    def setup(self, *, memory_limit: int) -> None:
        """Load the pictures and bring them to size; a second call does nothing."""
        if len(self._images):
            return
        images, self._labels, self.num_classes = self.load()
        self._images = fitted(
            images, channels=self.shape[0], image_size=self.shape[1:], padding=self._padding
        )

    @property
    def size(self) -> int:
        """Number of pictures."""
        return len(self._images)

    def gather(self, indices: Tensor) -> Labelled:
        """Return uint8 pictures ``[B, C, H, W]`` and labels ``[B]``."""
        labels = None if self._labels is None else self._labels.index_select(0, indices)
        return self._images.index_select(0, indices), labels
