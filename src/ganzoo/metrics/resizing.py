"""From images in [-1, 1] to what a feature network expects, by a named protocol.

How images are resized changes an FID by more than most papers report as progress (Parmar et al.
2022, 2104.11222), so each protocol is an object of its own, and every one starts from the 8-bit
values that a picture file would hold.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.images import to_image_range
from ganzoo.metrics.packages import import_package

_ROUNDED = ContextVar("rounded", default=True)


@contextmanager
def unrounded() -> Iterator[None]:
    """Let :func:`quantize` return levels between whole numbers, for steps smaller than a level."""
    token = _ROUNDED.set(False)
    try:
        yield
    finally:
        _ROUNDED.reset(token)


def quantize(images: Tensor) -> Tensor:
    """Turn images into the 8-bit values that saving them would write.

    -1 becomes 0 and 1 becomes 255; values between are rounded to the nearest whole number, halves
    upwards, and values a little outside [-1, 1] are clamped. uint8 stays as it is.

    Args:
        images: ``[B, C, H, W]``, in [-1, 1] or uint8.

    Returns:
        uint8, of the same shape; within :func:`unrounded` float32, clamped but not rounded.

    Raises:
        InputError: if images are of another type or range.
    """
    images = to_image_range(images)
    if not _ROUNDED.get():
        return to_levels(images.float()).clamp(0, 255)
    return (images.float() * 127.5 + 128).floor().clamp(0, 255).to(torch.uint8)


def to_levels(images: Tensor) -> Tensor:
    """Scale images in [-1, 1] to [0, 255], with gradients: neither rounded nor clamped."""
    return images * 127.5 + 127.5


def to_color(images: Tensor) -> Tensor:
    """Repeat the one channel of grey images three times.

    Args:
        images: ``[B, 1, H, W]`` or ``[B, 3, H, W]``.

    Returns:
        ``[B, 3, H, W]``.

    Raises:
        InputError: if the images are neither grey nor of three channels.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise InputError(
            f"features need images [B, 1 or 3, H, W], not {list(images.shape)}: "
            "choose metrics.features=identity for points"
        )
    return images.expand(-1, 3, -1, -1)


@defaults_from()
class Resizing(ABC):
    """A way to bring 8-bit images to the size that a network expects.

    Args:
        size: Height and width S of the result, a positive whole number.

    Attributes:
        protocol: The way's name, for records.
    """

    protocol: str

    def __init__(self, *, size: int = FROM_CONFIG) -> None:
        check_whole(size=size)
        self.size = size

    @abstractmethod
    def __call__(self, images: Tensor) -> Tensor:
        """Resize.

        Args:
            images: ``[B, C, H, W]``, levels from 0 to 255, uint8 or float32.

        Returns:
            float32 ``[B, C, S, S]``, in [0, 255], not rounded.
        """


@defaults_from("metrics/features/inception")
class LegacyResizing(Resizing):
    """TensorFlow 1's bilinear interpolation, as the Inception graph of the first FIDs has it.

    Pixel i of the result is taken at i H / S, without the offset of half a pixel, and only its
    two neighbours in each direction count, so images that shrink alias. torch-fidelity computes
    it, in eight times the memory of the result; images that have the size S are not changed.

    Raises:
        InputError: if torch-fidelity is not installed.
    """

    protocol = "legacy: bilinear as in TensorFlow 1, no antialiasing"

    def __init__(self, *, size: int = FROM_CONFIG) -> None:
        super().__init__(size=size)
        package = import_package("torch_fidelity.interpolate_compat_tensorflow", extra="inception")
        self._interpolate = package.interpolate_bilinear_2d_like_tensorflow1x

    def __call__(self, images: Tensor) -> Tensor:
        """Resize."""
        size = (self.size, self.size)
        resized: Tensor = self._interpolate(images.float(), size=size, align_corners=False)
        return resized


@defaults_from("metrics/features/inception_clean")
class CleanResizing(Resizing):
    """Antialiased bicubic interpolation of each channel in floating point, as clean-fid's.

    The filter is that of Pillow's mode F (a = -0.5, widened by the scale where images shrink);
    its overshoot is clamped to [0, 255] and nothing is rounded. torch computes it, on the images'
    own device: in float64, where it agrees with Pillow to the last bits of float32 (in float32,
    all that an MPS device has, to 0.01 of the 255 levels).
    """

    protocol = "clean: bicubic as in Pillow, antialiased"

    def __call__(self, images: Tensor) -> Tensor:
        """Resize."""
        size = (self.size, self.size)
        if tuple(images.shape[2:]) == size:
            return images.float()
        dtype = torch.float32 if images.device.type == "mps" else torch.float64
        resized = functional.interpolate(
            images.to(dtype), size=size, mode="bicubic", antialias=True
        )
        return resized.clamp(0, 255).float()
