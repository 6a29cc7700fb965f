"""Images as bytes, side by side."""

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ganzoo.errors import InputError, check_positive

Picture: TypeAlias = npt.NDArray[np.uint8]

_MARGIN = 2
_MARGIN_GREY = 208
_LEAST_WIDTH = 600
_MOST_HEIGHT = 4000


def to_uint8(images: Tensor) -> Tensor:
    """Turn images in [-1, 1] into bytes; the exact inverse of ``x / 127.5 - 1``.

    Args:
        images: Any shape; values outside [-1, 1] are clamped and NaN becomes 128, mid grey.

    Returns:
        uint8, same shape and device.
    """
    values = (images.detach().float() + 1) * 127.5
    return values.nan_to_num(nan=128.0).round().clamp(0, 255).byte()


def image_grid(images: Tensor, columns: int) -> Picture:
    """Lay images out row by row, on a light grey ground that shows between them.

    Tiny images are enlarged by a whole factor, without smoothing, until the picture is at least
    600 pixels wide (but no more than 4,000 high).

    Args:
        images: ``[N, C, H, W]`` in [-1, 1], of any number of channels C.
        columns: Images in a row; with fewer images there are only as many columns as images.

    Returns:
        uint8 ``[height, width, 3]``; cells without an image are ground.

    Raises:
        InputError: if images are not of that shape or there are none, or columns is not positive.
    """
    check_positive(columns=columns)
    tiles = color_tiles(images)
    count, height, width, _ = tiles.shape
    columns = min(int(columns), count)
    factor = whole_factor(math.ceil(count / columns), height, columns, width)
    return lay_out(enlarge(tiles, factor), columns)


def lay_out(tiles: Picture, columns: int) -> Picture:
    """Lay tiles ``[N, H, W, 3]`` out row by row, as they are, on light grey ground.

    Returns:
        uint8 ``[height, width, 3]``, always ``columns`` tiles wide.
    """
    count, height, width, _ = tiles.shape
    rows = math.ceil(count / columns)
    shape = (rows * (height + _MARGIN) + _MARGIN, columns * (width + _MARGIN) + _MARGIN, 3)
    grid = np.full(shape, _MARGIN_GREY, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        top = _MARGIN + index // columns * (height + _MARGIN)
        left = _MARGIN + index % columns * (width + _MARGIN)
        grid[top : top + height, left : left + width] = tile
    return grid


def enlarge(tiles: Picture, factor: int) -> Picture:
    """Repeat each pixel of ``[N, H, W, 3]`` factor times in both directions."""
    return tiles.repeat(factor, axis=1).repeat(factor, axis=2)


def color_tiles(images: Tensor) -> Picture:
    """Turn ``[N, C, H, W]`` in [-1, 1] into uint8 ``[N, H, W, 3]``.

    Of 2 and of 4 channels the last one says how opaque the others are, which are laid on white; of
    more than 4 the first three are shown.

    Raises:
        InputError: if images are not of that shape, or there are none.
    """
    if images.ndim != 4 or not images.numel():
        raise InputError(
            "images for a picture must have shape [N, C, H, W] with N > 0 and C > 0, not "
            f"{list(images.shape)}"
        )
    levels = to_uint8(images).cpu()
    if levels.shape[1] in (2, 4):
        opaque = levels[:, -1:].float() / 255
        laid = levels[:, :-1].float() * opaque + 255 * (1 - opaque)
        levels = laid.round().byte()
    tiles = levels[:, :3].permute(0, 2, 3, 1).expand(-1, -1, -1, 3)
    return np.ascontiguousarray(tiles.numpy())


def whole_factor(rows: int, height: int, columns: int, width: int) -> int:
    """How much tiles are enlarged for a grid of them to be as large as a person needs it."""
    wanted = math.ceil((_LEAST_WIDTH - _MARGIN * (columns + 1)) / (columns * width))
    allowed = (_MOST_HEIGHT - _MARGIN * (rows + 1)) // (rows * height)
    return max(1, min(wanted, allowed))
