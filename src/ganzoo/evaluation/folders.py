"""Samples from a folder of pictures."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.checks import one_line
from ganzoo.data.conversions import is_grey, upright_size
from ganzoo.data.decoded import DecodedImages
from ganzoo.data.images import to_model_range
from ganzoo.data.picture_files import ENDINGS, find_pictures
from ganzoo.errors import InputError
from ganzoo.evaluation.stored import StoredSamples

_OVERVIEW = "grid.png"
"""The picture of all samples that ``ganzoo.sample`` writes beside the samples."""

Header = tuple[tuple[int, int], bool]
"""Height and width, and whether a picture is grey."""


class StoredPictures(DecodedImages):
    """Pictures that are decoded as those of a data set are; those that cannot be are left out.

    Args:
        origin: Where they are from.
        items: Something to open for each picture.
        opener: Opens one.
        shape: What each becomes, ``(C, H, W)``.
    """

    def __init__(
        self,
        origin: str,
        items: Sequence[Any],
        opener: Callable[[Any], Image.Image],
        shape: Sequence[int],
    ) -> None:
        super().__init__(channels=shape[0], image_size=shape[1:])
        self.origin = origin
        self._given, self._opener = items, opener

    def find(self) -> tuple[Sequence[Any], Tensor]:
        """Return what to open for each picture, and its number in the place of a label."""
        return self._given, torch.arange(len(self._given))

    def open(self, item: Any) -> Image.Image:
        """Open one picture."""
        return self._opener(item)

    def decode_all(self) -> tuple[Tensor, list[int]]:
        """Return all good pictures, uint8 ``[N, C, H, W]``, and which they are.

        Raises:
            InputError: if there is none.
        """
        self.setup(memory_limit=len(self._given) * math.prod(self.shape))
        images, numbers = self.gather(torch.arange(self.size))
        assert numbers is not None
        return images, numbers.tolist()


def read_folder(
    folder: Path,
    *,
    shape: Sequence[int] | None = None,
    size: tuple[int, int] | None = None,
) -> StoredSamples:
    """Read all pictures in a folder and in the folders in it, in the order of their paths.

    They are read as training reads them, see :func:`ganzoo.data.pictures.decode` and
    :func:`ganzoo.data.picture_files.find_pictures`; ``grid.png``, which ``ganzoo.sample`` writes,
    is left out.

    Args:
        folder: The folder. Names of the folders in it are classes where every picture lies in one.
        shape: What each picture becomes, ``(C, H, W)``; None for grey if all are, or colour.
        size: Without a shape, height and width; None for the size that all of them have.

    Raises:
        InputError: if no picture can be read, or neither is given and their sizes differ.
    """
    paths = find_pictures(folder, besides=[_OVERVIEW])
    if not paths:
        raise InputError(f"there is no picture in {folder} (looked for {' '.join(ENDINGS)})")
    items = [str(folder / path) for path in paths]
    shape = shape or _common_shape(folder, items, size)
    pictures = StoredPictures(str(folder), items, Image.open, shape)
    images, kept = pictures.decode_all()
    classes = None if any(len(path.parts) == 1 for path in paths) else [p.parts[0] for p in paths]
    return StoredSamples(
        folder,
        to_model_range(images),
        classes and [classes[number] for number in kept],
        pictures.conversions.plain(),
    )


def _common_shape(
    folder: Path, items: Sequence[str], size: tuple[int, int] | None
) -> tuple[int, int, int]:
    with ThreadPoolExecutor(min(32, os.cpu_count() or 1)) as pool:
        found = list(pool.map(_header, items))
    headers = [one for one in found if not isinstance(one, str)]
    if not headers:
        raise InputError(
            f"none of the {len(items)} pictures can be read, as {items[0]}: {found[0]}"
        )
    sizes = sorted({own for own, _ in headers}) if size is None else [size]
    if len(sizes) > 1:
        (height, width), (other_height, other_width) = sizes[0], sizes[-1]
        raise InputError(
            f"the pictures in {folder} have {len(sizes)} sizes, from {height} x {width} to "
            f"{other_height} x {other_width}: set image_size=[height,width] to resize them"
        )
    return (1 if all(grey for _, grey in headers) else 3, *sizes[0])


def _header(item: str) -> Header | str:
    """What a picture's header says, or why it cannot be read."""
    try:
        with Image.open(item) as image:
            return upright_size(image), is_grey(image)
    except Exception as error:  # decoders fail in more ways than can be listed
        return one_line(error)
