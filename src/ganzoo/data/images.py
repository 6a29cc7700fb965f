"""Pictures kept in memory as one uint8 tensor."""

from abc import abstractmethod

import torch
from torch import Tensor
from torchvision.transforms import v2

from ganzoo.data.checks import check_picture
from ganzoo.data.source import Collection, Labelled

# Pictures resized at once: bounds the memory that the floating-point copy takes.
_CHUNK = 2048


def to_model_range(data: Tensor) -> Tensor:
    """Turn uint8 pictures ``[B, C, H, W]`` into float32 in [-1, 1]; other data stays as it is."""
    if data.dtype != torch.uint8:
        return data
    return data.to(torch.float32).div_(127.5).sub_(1)


def fit(images: Tensor, *, channels: int, image_size: int, padding: int) -> Tensor:
    """Bring square pictures to the channels and the size that the networks expect.

    Args:
        images: uint8 ``[N, C, S, S]``, C 1 or 3.
        channels: 1 turns colour into grey (ITU-R 601), 3 repeats grey.
        image_size: Height and width in pixels. Pictures of another size are resized, bicubic
            with antialiasing.
        padding: Black pixels put around each side instead, where they give ``image_size``.

    Returns:
        uint8 ``[N, channels, image_size, image_size]``.
    """
    if images.shape[1] != channels:
        images = (
            v2.functional.rgb_to_grayscale(images) if channels == 1 else images.repeat(1, 3, 1, 1)
        )
    native = images.shape[-1]
    if native + 2 * padding == image_size:
        return torch.nn.functional.pad(images, [padding] * 4)
    if native == image_size:
        return images.contiguous()
    parts = [_resize(part, image_size) for part in torch.split(images, _CHUNK)]
    return torch.cat(parts)


def _resize(images: Tensor, image_size: int) -> Tensor:
    bicubic = v2.InterpolationMode.BICUBIC
    resized: Tensor = v2.functional.resize(
        images, [image_size, image_size], interpolation=bicubic, antialias=True
    )
    return resized


class StoredImages(Collection):
    """Pictures that come as arrays and are kept in memory whatever their size.

    Args:
        channels: 1 or 3.
        image_size: Height and width in pixels.
        padding: Black pixels around each side where they give ``image_size``; other sizes are
            resized.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(self, *, channels: int, image_size: int, padding: int) -> None:
        check_picture(channels=channels, image_size=image_size)
        self.shape = (channels, image_size, image_size)
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
        channels, image_size = self.shape[0], self.shape[1]
        self._images = fit(images, channels=channels, image_size=image_size, padding=self._padding)

    @property
    def size(self) -> int:
        """Number of pictures."""
        return len(self._images)

    def gather(self, indices: Tensor) -> Labelled:
        """Return uint8 pictures ``[B, C, H, W]`` and labels ``[B]``."""
        labels = None if self._labels is None else self._labels.index_select(0, indices)
        return self._images.index_select(0, indices), labels
