"""Pictures on disk, written aside and then moved into place, so that none is ever half there."""

import io
import math
import os
from pathlib import Path

from PIL import Image
from torch import Tensor

from ganzoo.errors import InputError, check_positive
from ganzoo.pictures.tiles import Picture, color_tiles, enlarge

_LEAST_FRAME = 256


def save_png(picture: Picture, path: str | Path) -> Path:
    """Write a picture as PNG.

    Args:
        picture: uint8 ``[H, W, 3]``, as :func:`~ganzoo.pictures.image_grid` returns it, or
            ``[H, W]`` in grey.
        path: Where to; folders are made.

    Returns:
        The path.

    Raises:
        InputError: if the file cannot be written.
    """
    content = io.BytesIO()
    Image.fromarray(picture).save(content, format="PNG")
    return write_atomically(content.getvalue(), path)


def save_gif(images: Tensor, path: str | Path, milliseconds: float) -> Path:
    """Write images as the frames of a GIF that repeats for ever.

    Frames less than 256 pixels wide are enlarged by a whole factor, without smoothing.

    Args:
        images: ``[N, C, H, W]`` in [-1, 1], of any number of channels C.
        path: Where to; folders are made.
        milliseconds: Time of each frame; the format counts in steps of 10. Frames that are equal
            become one, shown for their time together.

    Returns:
        The path.

    Raises:
        InputError: if images are not of that shape, milliseconds is not positive, or the file
            cannot be written.
    """
    check_positive(milliseconds=milliseconds)
    tiles = color_tiles(images)
    factor = max(1, math.ceil(_LEAST_FRAME / tiles.shape[2]))
    first, *others = [Image.fromarray(frame) for frame in enlarge(tiles, factor)]
    content = io.BytesIO()
    first.save(
        content, format="GIF", save_all=True, append_images=others, duration=milliseconds, loop=0
    )
    return write_atomically(content.getvalue(), path)


def write_atomically(content: bytes, path: str | Path) -> Path:
    """Write a file so that at any moment the path holds the old content or the new one.

    Raises:
        InputError: if the folder cannot be made or written to.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(content)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot write {path}: {reason}, choose a folder that can be") from error
    return path
