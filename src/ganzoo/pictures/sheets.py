"""Blocks of images with words beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganzoo.errors import InputError, check_whole
from ganzoo.pictures.tiles import Picture, color_tiles, enlarge, lay_out, whole_factor

_PAPER, _INK = (255, 255, 255), (40, 40, 40)
_LEAST_SIZE = 14
# Letters are as small as they may be where a sheet is shown as wide as a page.
_SIZES_IN_WIDTH = 45


@dataclass(frozen=True, kw_only=True)
class Block:
    """A grid of images with a title above it, and words at its rows and columns.

    Attributes:
        images: ``[N, C, H, W]`` in [-1, 1], of any number of channels C, row by row.
        columns: Images in a row, at least 1.
        title: Empty for none.
        rows: Words to the left of the first rows; as many as there are.
        heads: Words above the first columns. Those that are wider than a column are left out.

    Raises:
        InputError: if there are no columns.
    """

    images: Tensor
    columns: int
    title: str = ""
    rows: Sequence[str] = ()
    heads: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        check_whole(columns=self.columns)

    @property
    def height(self) -> int:
        """Number of rows of images."""
        return math.ceil(len(self.images) / self.columns)


def sheet(title: str, blocks: Sequence[Block]) -> Picture:
    """Draw blocks under one another, all images at the same size.

    Tiny images are enlarged by a whole factor, without smoothing, as in
    :func:`~ganzoo.pictures.image_grid`.

    Args:
        title: Of the sheet.
        blocks: At least one, of images of the same size.

    Returns:
        uint8 ``[height, width, 3]``.

    Raises:
        InputError: if there are no blocks, or images are not images of one size.
    """
    grids = _grids(blocks)
    size = max(_LEAST_SIZE, max(grid.shape[1] for grid in grids) // _SIZES_IN_WIDTH)
    page = _Page(size, left=_longest([word for block in blocks for word in block.rows], size))
    page.begin(title)
    for block, grid in zip(blocks, grids, strict=True):
        page.add(block, grid)
    return page.picture()


class _Page:
    """Grows downwards; what is on it is kept as places in pixels until its size is known."""

    def __init__(self, size: int, left: int) -> None:
        self._size, self._font, self._air = size, _font(size), size // 2
        self._left = self._air + (left + self._air if left else 0)
        self._bottom, self._right = self._air, 0
        self._grids: list[tuple[int, Picture]] = []
        self._words: list[tuple[float, float, str, str]] = []

    def begin(self, title: str) -> None:
        """The title, apart from what comes."""
        self._write(title)
        self._bottom += self._air

    def add(self, block: Block, grid: Picture) -> None:
        """A block and its words."""
        self._write(block.title)
        width, height = grid.shape[1] / block.columns, grid.shape[0] / block.height
        heads = [word if self._font.getlength(word) < width else "" for word in block.heads]
        if any(heads):
            for column, word in enumerate(heads):
                self._put(self._left + (column + 0.5) * width, self._bottom, word, "ma")
            self._bottom += self._size + self._air // 2
        for row, word in enumerate(block.rows):
            self._put(self._left - self._air, self._bottom + (row + 0.5) * height, word, "rm")
        self._grids.append((self._bottom, grid))
        self._right = max(self._right, self._left + grid.shape[1])
        self._bottom += grid.shape[0] + self._size

    def picture(self) -> Picture:
        """All of it."""
        shape = (self._bottom - self._size + self._air, self._right + self._air, 3)
        canvas = np.full(shape, _PAPER, dtype=np.uint8)
        for top, grid in self._grids:
            canvas[top : top + grid.shape[0], self._left : self._left + grid.shape[1]] = grid
        image = Image.fromarray(canvas)
        pen = ImageDraw.Draw(image)
        for x, y, word, anchor in self._words:
            pen.text((x, y), word, fill=_INK, font=self._font, anchor=anchor)
        return np.array(image)

    def _write(self, text: str) -> None:
        if text:
            self._put(self._left, self._bottom, text, "la")
            self._right = max(self._right, self._left + math.ceil(self._font.getlength(text)))
            self._bottom += self._size + self._air

    def _put(self, x: float, y: float, word: str, anchor: str) -> None:
        self._words.append((x, y, word, anchor))


def _grids(blocks: Sequence[Block]) -> list[Picture]:
    tiles = [color_tiles(block.images) for block in blocks]
    sizes = {parts.shape[1:3] for parts in tiles}
    if len(sizes) != 1:
        raise InputError(f"a sheet needs images of one size, not of {sorted(sizes) or 'none'}")
    ((height, width),) = sizes
    rows, columns = sum(block.height for block in blocks), max(block.columns for block in blocks)
    factor = whole_factor(rows, height, columns, width)
    return [
        lay_out(enlarge(parts, factor), block.columns)
        for parts, block in zip(tiles, blocks, strict=True)
    ]


def _longest(words: Sequence[str], size: int) -> int:
    return math.ceil(max((_font(size).getlength(word) for word in words), default=0))


def _font(size: int) -> ImageFont.FreeTypeFont:
    # Pillow's own font has no sizes before 10.1, and matplotlib brings one.
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size)
