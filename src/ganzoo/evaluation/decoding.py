"""Stored pictures brought to one shape."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.decoded import DecodedImages


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
