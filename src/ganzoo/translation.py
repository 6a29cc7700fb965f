"""Translations of a folder of pictures as files."""

import logging
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.conversions import upright_size
from ganzoo.data.picture_files import find_pictures
from ganzoo.data.pictures import decode
from ganzoo.errors import InputError
from ganzoo.pictures import save_png, to_uint8
from ganzoo.sampling.translation import OTHER, Translator

log = logging.getLogger("ganzoo")


def translate_folder(
    model: Translator, pictures: Path, folder: Path, *, to: str, averaged: bool
) -> list[Path]:
    """Write the translation of each picture in a folder, under its name as PNG.

    Pictures keep their size and come to the channels that the model was trained on.

    Args:
        model: What translates.
        pictures: The folder; pictures in folders inside it keep these.
        folder: Where translations go.
        to: The domain to translate to.
        averaged: Whether by averaged weights where there are any.

    Returns:
        The paths of what was written.

    Raises:
        InputError: if there are no pictures, one cannot be read, or is of a size that the network
            does not take.
    """
    found = find_pictures(pictures)
    if not found:
        raise InputError(f"there are no pictures in {pictures}")
    model.translator(to, averaged=averaged)  # says which domains there are
    channels = model.shapes[OTHER[to]][0]
    written = []
    for name in found:
        try:
            made = model.translate(_read(pictures / name, channels)[None], to=to, averaged=averaged)
        except InputError as error:
            reason = str(error).partition(": set ")[0]  # no setting changes the user's pictures
            raise InputError(f"{pictures / name}: {reason}") from error
        pixels = to_uint8(made)[0].permute(1, 2, 0).cpu().numpy()
        path = (folder / name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        written.append(save_png(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, path))
    return written


def _read(path: Path, channels: int) -> Tensor:
    """A picture of its own size, ``[C, H, W]`` in [-1, 1]."""
    try:
        with Image.open(path) as image:
            size = upright_size(image)
            pixels = decode(image, channels=channels, image_size=size)
    except Exception as error:  # PIL raises many kinds
        raise InputError(f"cannot be read as a picture: {error}") from error
    return pixels.to(torch.float32).div_(127.5).sub_(1)
