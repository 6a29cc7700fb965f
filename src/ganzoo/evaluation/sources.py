"""What is evaluated: the model of a checkpoint, or samples that are stored."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from ganzoo.errors import InputError
from ganzoo.sampling.evaluable import Evaluable


class SampleSource(Protocol):
    """A checkpoint or stored samples."""

    @property
    def name(self) -> str:
        """A path that tells it from others."""

    @property
    def shape(self) -> list[int]:
        """Shape of one sample."""

    @property
    def step(self) -> int | None:
        """Generator updates so far, or None."""

    def load(self, device: torch.device) -> Evaluable:
        """What makes the samples, on a device; it is freed with the result."""

    def protocol(self) -> dict[str, Any]:
        """What a report says of it: plain values."""


def check_shapes(sources: Sequence[SampleSource], real: list[int]) -> None:
    """Refuse samples that cannot be compared, before anything is made for them.

    Args:
        sources: The generated side.
        real: Shape of a real sample.

    Raises:
        InputError: naming the first source of another shape.
    """
    for source in sources:
        if source.shape != real:
            raise InputError(
                f"the samples of {source.name} are {source.shape}, real ones {real}: "
                f"{_advice(source.shape, real)}"
            )


def _advice(shape: list[int], real: list[int]) -> str:
    if len(shape) != 3 or len(real) != 3:
        return "both must be images, or points of as many dimensions"
    channels, *size = shape
    return f"set dataset.channels={channels} dataset.image_size={size}".replace(", ", ",")
