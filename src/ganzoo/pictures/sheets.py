"""Grids of images with words beside them."""

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
class LabelledGrid:
    """A grid of images with a title above it, and words at its rows and columns.

    Attributes:
        images: ``[N, C, H, W]`` in [-1, 1], of any number of channels C, row by row.
        columns: Images in a row, at least 1.
        title: Empty for none.
        row_labels: Words to the left of the first rows; as many as there are.
        column_labels: Words above the first columns; those that are wider are left out.

    Raises:
        InputError: if there are no columns.
    """

    images: Tensor
    columns: int
    title: str = ""
    row_labels: Sequence[str] = ()
    column_labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        check_whole(columns=self.columns)

    @property
    def height(self) -> int:
        """Number of rows of images."""
        return math.ceil(len(self.images) / self.columns)


def sheet(title: str, grids: Sequence[LabelledGrid]) -> Picture:
    """Draw grids under one another, all images at the same size.

    Tiny images are enlarged by a whole factor, without smoothing, as in
    :func:`~ganzoo.pictures.image_grid`.

    Args:
        title: Of the sheet.
        grids: At least one, of images of the same size.

    Returns:
        uint8 ``[height, width, 3]``.

    Raises:
        InputError: if there are no grids, or images are not images of one size.
    """
    drawn = _draw(grids)
    size = max(_LEAST_SIZE, max(picture.shape[1] for picture in drawn) // _SIZES_IN_WIDTH)
    page = _Page(size, left=_longest([word for grid in grids for word in grid.row_labels], size))
    page.begin(title)
    for grid, picture in zip(grids, drawn, strict=True):
        page.add(grid, picture)
    return page.picture()


class _Page:
    """Grows downwards; what is on it is kept as places in pixels until its size is known."""

    def __init__(self, size: int, left: int) -> None:
        self._size, self._font, self._air = size, _font(size), size // 2
        self._left = self._air + (left + self._air if left else 0)
        self._bottom, self._right = self._air, 0
        self._pictures: list[tuple[int, Picture]] = []
        self._words: list[tuple[float, float, str, str]] = []

    def begin(self, title: str) -> None:
        """The title, apart from what comes."""
        self._write(title)
        self._bottom += self._air

    def add(self, grid: LabelledGrid, picture: Picture) -> None:
        """A grid, drawn, and its words."""
        self._write(grid.title)
        height, width = picture.shape[0] / grid.height, picture.shape[1] / grid.columns
        words = [word if self._font.getlength(word) < width else "" for word in grid.column_labels]
        if any(words):
            for column, word in enumerate(words):
                self._put(self._left + (column + 0.5) * width, self._bottom, word, "ma")
            self._bottom += self._size + self._air // 2
        for row, word in enumerate(grid.row_labels):
            self._put(self._left - self._air, self._bottom + (row + 0.5) * height, word, "rm")
        self._pictures.append((self._bottom, picture))
        self._right = max(self._right, self._left + picture.shape[1])
        self._bottom += picture.shape[0] + self._size

    def picture(self) -> Picture:
        """All of it."""
        shape = (self._bottom - self._size + self._air, self._right + self._air, 3)
        canvas = np.full(shape, _PAPER, dtype=np.uint8)
        for top, picture in self._pictures:
            height, width, _ = picture.shape
            canvas[top : top + height, self._left : self._left + width] = picture
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


def _draw(grids: Sequence[LabelledGrid]) -> list[Picture]:
    tiles = [color_tiles(grid.images) for grid in grids]
    sizes = {parts.shape[1:3] for parts in tiles}
    if len(sizes) != 1:
        raise InputError(f"a sheet needs images of one size, not of {sorted(sizes) or 'none'}")
    ((height, width),) = sizes
    rows, columns = sum(grid.height for grid in grids), max(grid.columns for grid in grids)
    factor = whole_factor(rows, height, columns, width)
    return [
        lay_out(enlarge(parts, factor), grid.columns)
        for parts, grid in zip(tiles, grids, strict=True)
    ]


def _longest(words: Sequence[str], size: int) -> int:
    return math.ceil(max((_font(size).getlength(word) for word in words), default=0))


def _font(size: int) -> ImageFont.FreeTypeFont:
    # Pillow's own font has no sizes before 10.1, and matplotlib brings one.
    import matplotlib

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size)
