"""One picture file of any kind as a uint8 tensor."""

import contextlib
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from ganzoo.data.checks import ImageSize, picture_shape, proportional

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""What PIL calls pictures of so many channels of 8 bits."""
ORIENTATION = 0x0112
"""The number of EXIF's entry that says how a picture is to be turned."""
# A JPEG file is decoded at a half, quarter or eighth of its size if that is still so many times
# the wanted size: much faster for photographs, and too fine to show in the result.
_REDUCING_GAP = 3
_SIXTEEN_BITS = 65535


def decode(image: Image.Image, *, channels: int, image_size: ImageSize) -> Tensor:
    """Bring a picture to the channels and the size that the networks expect.

    Any mode is taken: deeper ones are scaled to 8 bits (see :func:`eight_bits`), palettes are
    looked up, transparent pictures are laid on white unless transparency is asked for, colour
    becomes grey by ITU-R 601 where it is not. The orientation in the EXIF data is honoured. The
    largest centred part of the wanted proportions is resized, bicubic with antialiasing.

    Args:
        image: As PIL opens it; of an animation the first frame.
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width of the result in pixels: one number, or two.

    Returns:
        uint8 ``[channels, height, width]``.

    Raises:
        Exception: what PIL raises for a broken file, of many kinds.
    """
    channels, height, width = picture_shape(channels=channels, image_size=image_size)
    side = _REDUCING_GAP * max(height, width)
    image.draft(None, (side, side))
    flat = _in_channels(eight_bits(upright(image)), channels)
    array = np.array(_fitted(flat, height, width))
    return torch.from_numpy(array.reshape(height, width, channels)).permute(2, 0, 1)


def eight_bits(image: Image.Image) -> Image.Image:
    """Scale a picture of one deep channel to 8 bits; others stay as they are.

    16 bits are scaled by 65,535. Of 32 bits, whole or floating, nobody knows what white is, so it
    is the smallest of 1 (floating, from 0 or from -1), 255 and 65,535 that no value exceeds. Where
    values exceed all of them, or are negative otherwise, the least becomes black and the
    largest white. Values that are not finite become black.

    Raises:
        ValueError: if no value is finite.
    """
    if not is_deep(image):
        return image
    levels = np.asarray(image).astype(np.float64)
    low, high = _white(image, levels)
    scaled = (levels - low) / ((high - low) or 1.0) * 255
    bounded = np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0).clip(0, 255)
    return Image.fromarray(np.rint(bounded).astype(np.uint8))


def is_deep(image: Image.Image) -> bool:
    """Whether a picture has a channel of more than 8 bits."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def is_sixteen_bits(image: Image.Image) -> bool:
    """Whether a picture has a channel of 16 bits; PNG has none deeper, whatever PIL opens it as."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def is_transparent(image: Image.Image) -> bool:
    """Whether a picture has a channel or a colour for what shines through."""
    return bool({"A", "a"} & set(image.getbands())) or "transparency" in image.info


def _white(image: Image.Image, levels: npt.NDArray[Any]) -> tuple[float, float]:
    """The levels that become black and white."""
    if is_sixteen_bits(image):
        return 0, _SIXTEEN_BITS
    finite = levels[np.isfinite(levels)]
    if not finite.size:
        raise ValueError("no value is finite")
    low, high = finite.min(), finite.max()
    units: list[tuple[float, float]] = [(0, 255), (0, _SIXTEEN_BITS)]
    if image.mode == "F":
        units = [(0, 1), (-1, 1), *units]
    return next(((b, w) for b, w in units if b <= low and high <= w), (low, high))


def upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say."""
    image.load()
    # Broken EXIF data is no reason to lose a good picture.
    with contextlib.suppress(Exception):
        turned = ImageOps.exif_transpose(image)
        turned.format = image.format
        return turned
    return image


def _in_channels(image: Image.Image, channels: int) -> Image.Image:
    if image.mode == "LAB":
        image = _from_lab(image)
    if is_transparent(image):
        image = image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
        if channels in (1, 3):
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    elif image.mode == "P":
        # Grey from a palette would otherwise be made of its numbers' colours with rounding twice.
        image = image.convert("RGB")
    return image.convert(MODES[channels])


def _from_lab(image: Image.Image) -> Image.Image:
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
    assert converted is not None
    return converted


def _fitted(image: Image.Image, height: int, width: int) -> Image.Image:
    high, wide = proportional(image.height, image.width, height, width)
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    part = image.crop((left, top, left + wide, top + high))
    if part.size == (width, height):
        return part
    return part.resize((width, height), Image.Resampling.BICUBIC)
