"""One picture file of any kind as a square uint8 tensor."""

import contextlib

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

# A JPEG file is decoded at a half, quarter or eighth of its size if that is still so many times
# the wanted size: much faster for photographs, and too fine to show in the result.
_REDUCING_GAP = 3


def decode(image: Image.Image, *, channels: int, image_size: int) -> Tensor:
    """Bring a picture to the channels and the size that the networks expect.

    Any mode is taken: 16-bit grey is scaled to 8 bits, palettes are looked up, transparent
    pictures are laid on white, colour becomes grey by ITU-R 601 where one channel is asked for.
    The orientation in the EXIF data is honoured. The largest centred square is resized, bicubic
    with antialiasing.

    Args:
        image: As PIL opens it; of an animation the first frame.
        channels: 1 or 3.
        image_size: Height and width of the result in pixels.

    Returns:
        uint8 ``[channels, image_size, image_size]``.

    Raises:
        Exception: what PIL raises for a broken file, of many kinds.
    """
    image.draft(None, (_REDUCING_GAP * image_size, _REDUCING_GAP * image_size))
    flat = _eight_bits(_upright(image)).convert("L" if channels == 1 else "RGB")
    array = np.array(_square(flat, image_size))
    return torch.from_numpy(array.reshape(image_size, image_size, channels)).permute(2, 0, 1)


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    # Broken EXIF data is no reason to lose a good picture.
    with contextlib.suppress(Exception):
        return ImageOps.exif_transpose(image)
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        levels = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((levels + 128) // 257).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image)
    # Grey from a palette would otherwise be made of its numbers' colours with rounding twice.
    return image.convert("RGB") if image.mode == "P" else image


def _square(image: Image.Image, image_size: int) -> Image.Image:
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    if side == image_size:
        return square
    return square.resize((image_size, image_size), Image.Resampling.BICUBIC)
