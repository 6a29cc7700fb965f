"""Samples from a folder of pictures."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.images import to_model_range
from ganzoo.errors import InputError

_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
_OVERVIEW = "grid.png"
"""The picture of all samples that ``ganzoo.sample`` writes beside the samples."""
_MODES = ("L", "RGB")

Pixels = npt.NDArray[Any]


def read_folder(folder: Path) -> tuple[Tensor, Sequence[str] | None]:
    """Read all pictures in a folder and in the folders in it, in the order of their paths.

    Pixels are taken as they are: pictures are not resized, turned or converted. Hidden files,
    files without a picture's ending and ``grid.png``, which ``ganzoo.sample`` writes, are left
    out.

    Returns:
        float32 ``[N, C, H, W]`` in [-1, 1], and the names of the class folders ``[N]``; None
        unless every picture lies in such a folder.

    Raises:
        InputError: if there is no picture, one cannot be read, or one has another size or kind
            than the first.
    """
    paths = sorted(_pictures(folder))
    if not paths:
        raise InputError(f"there is no picture in {folder} (looked for {' '.join(_ENDINGS)})")
    first = _read(folder / paths[0])
    pixels = torch.empty(len(paths), *first.shape, dtype=torch.uint8)

    def store(index: int) -> None:
        picture = _read(folder / paths[index])
        if picture.shape != first.shape:
            raise InputError(
                f"{folder / paths[index]} is {_shown(picture)}, {folder / paths[0]} is "
                f"{_shown(first)}: all pictures must have one size and kind"
            )
        pixels[index] = torch.from_numpy(picture)

    with ThreadPoolExecutor(min(32, os.cpu_count() or 1)) as pool:
        for _ in pool.map(store, range(len(paths))):  # in order: the first that is wrong is named
            pass
    images = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    return to_model_range(images.contiguous()), _classes(paths)


def _pictures(root: Path) -> list[Path]:
    """Paths inside the folder; links to folders are followed, once each."""
    found, seen = [], set()
    for folder, inside, names in os.walk(root, followlinks=True):
        inside[:] = [name for name in inside if not name.startswith(".")]
        real = os.path.realpath(folder)
        if real in seen:
            inside.clear()
            continue
        seen.add(real)
        found += [
            Path(folder, name).relative_to(root)
            for name in names
            if not name.startswith(".") and name.lower().endswith(_ENDINGS) and name != _OVERVIEW
        ]
    return found


def _read(path: Path) -> Pixels:
    """Pixels ``[H, W]`` or ``[H, W, 3]``, uint8."""
    try:
        with Image.open(path) as picture:
            mode, pixels = picture.mode, np.array(picture)
    except Exception as error:  # decoders fail in more ways than can be listed
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"the picture {path} cannot be read: {reason}") from error
    if mode not in _MODES:
        raise InputError(
            f"{path} is a picture of mode {mode}: convert it to grey (L) or colour (RGB)"
        )
    return pixels


def _shown(picture: Pixels) -> str:
    height, width = picture.shape[:2]
    return f"{width} x {height} {_MODES[picture.ndim - 2]}"


def _classes(paths: Sequence[Path]) -> list[str] | None:
    if any(len(path.parts) == 1 for path in paths):
        return None
    return [path.parts[0] for path in paths]
