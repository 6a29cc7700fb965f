"""Pictures in files: decoded all at once into memory, or when they are needed."""

import logging
import math
import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image
from torch import Tensor
from torch.utils.data import get_worker_info

from ganzoo.data.checks import ImageSize, one_line, picture_shape
from ganzoo.data.conversions import Conversion, Conversions
from ganzoo.data.pictures import decode
from ganzoo.data.source import Collection, Labelled
from ganzoo.errors import InputError

# Pictures that one thread takes at a time.
_CHUNK = 64

log = logging.getLogger("ganzoo")


class DecodedImages(Collection):
    """Pictures that must be decoded one by one.

    They are decoded by threads (PIL releases the interpreter's lock), and kept in memory as
    uint8 if all of them take at most ``memory_limit`` bytes. Pictures that cannot be read are
    left out with one warning; where they are not kept in memory, one that proves broken only
    when it is decoded is replaced by the next good one.

    Args:
        channels: 1 (grey), 3 (colour), or 2 and 4 (the same with transparency).
        image_size: Height and width in pixels: one number, or two.

    Attributes:
        origin: What messages call the whole of the pictures.
        conversions: What was done to the pictures, known after ``setup``; where they are not kept
            in memory, of those whose files are opened there.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(self, *, channels: int, image_size: ImageSize) -> None:
        self.shape = picture_shape(channels=channels, image_size=image_size)
        self.conversions = Conversions(self.shape[1:])
        self.origin = type(self).__name__
        self._items: Sequence[Any] = ()
        self._labels: Tensor | None = None
        self._images: Tensor | None = None
        self._has_warned = False

    @abstractmethod
    def find(self) -> tuple[Sequence[Any], Tensor | None]:
        """Return something to open for each picture, and int64 labels ``[N]`` or None."""

    @abstractmethod
    def open(self, item: Any) -> Image.Image:
        """Open one picture. Called from many threads and processes at once."""

    def read(self, item: Any) -> Tensor:
        """Open and decode one picture: uint8 ``[C, H, W]``."""
        with self.open(item) as image:
            return decode(image, channels=self.shape[0], image_size=self.shape[1:])

    def note(self, item: Any) -> None:
        """Count what decoding does to one picture."""
        with self.open(item) as image:
            self.conversions.add(Conversion.of(image, self.shape))

    def reading(self) -> AbstractContextManager[None]:
        """Hold open what many pictures are read from; not used in worker processes."""
        return nullcontext()

    def verify(self, item: Any) -> None:
        """Raise an error if a picture that is not kept in memory is seen to be broken."""

    def setup(self, *, memory_limit: int) -> None:
        """Find the pictures and, if they fit, decode them; a second call does nothing.

        Raises:
            InputError: if there is no picture that can be read.
        """
        if len(self._items):
            return
        self._items, self._labels = self.find()
        self.in_memory = len(self._items) * math.prod(self.shape) <= memory_limit
        broken = self._decode_all() if self.in_memory else self._tried_all(self._verify_at)
        if broken:
            self._leave_out(broken)
        if str(self.conversions):
            _say(logging.INFO, f"{self.origin}: {self.size:,} pictures, {self.conversions}")

    @property
    def size(self) -> int:
        """Number of pictures."""
        return len(self._items)

    def gather(self, indices: Tensor) -> Labelled:
        """Return uint8 pictures ``[B, C, H, W]`` and labels ``[B]``."""
        if self._images is not None:
            labels = None if self._labels is None else self._labels.index_select(0, indices)
            return self._images.index_select(0, indices), labels
        if get_worker_info() is None:
            with self.reading(), ThreadPoolExecutor(_threads()) as pool:
                found = list(pool.map(self._good, indices.tolist()))
        else:
            found = [self._good(index) for index in indices.tolist()]
        images = torch.stack([image for _, image in found])
        if self._labels is None:
            return images, None
        return images, self._labels[[index for index, _ in found]]

    def _good(self, index: int) -> tuple[int, Tensor]:
        for offset in range(self.size):
            tried = (index + offset) % self.size
            try:
                return tried, self.read(self._items[tried])
            except Exception as error:
                self._warn_once(f"{self._items[tried]} cannot be read ({one_line(error)})")
        raise InputError("none of the pictures can be read any more")

    def _decode_all(self) -> dict[int, str]:
        images = torch.empty(self.size, *self.shape, dtype=torch.uint8)

        def store(index: int) -> None:
            images[index] = self.read(self._items[index])
            self.note(self._items[index])

        broken = self._tried_all(store)
        self._images = images
        return broken

    def _verify_at(self, index: int) -> None:
        self.verify(self._items[index])

    def _tried_all(self, action: Callable[[int], None]) -> dict[int, str]:
        """Try something with every picture; return the reason for each that failed."""
        broken: dict[int, str] = {}

        def work(start: int) -> None:
            for index in range(start, min(start + _CHUNK, self.size)):
                try:
                    action(index)
                # Decoders fail in more ways than can be listed.
                except Exception as error:
                    broken[index] = one_line(error)

        with self.reading(), ThreadPoolExecutor(_threads()) as pool:
            list(pool.map(work, range(0, self.size, _CHUNK)))
        return broken

    def _leave_out(self, broken: dict[int, str]) -> None:
        first = min(broken)
        example = f"{self._items[first]}: {broken[first]}"
        if len(broken) == self.size:
            raise InputError(f"none of the {self.size} pictures can be read, as {example}")
        _say(
            logging.WARNING,
            f"left out {len(broken)} of {self.size} pictures that cannot be read, as {example}",
        )
        self.conversions.left_out = len(broken)
        good = [index for index in range(self.size) if index not in broken]
        self._items = [self._items[index] for index in good]
        self._labels = None if self._labels is None else self._labels[good]
        self._images = None if self._images is None else self._images[good]

    def _warn_once(self, problem: str) -> None:
        if self._has_warned:
            return
        self._has_warned = True
        _say(logging.WARNING, f"{problem}: the next good picture takes the place of each such one")


@rank_zero_only
def _say(level: int, line: str) -> None:
    log.log(level, line)


def _threads() -> int:
    return min(32, os.cpu_count() or 1)
