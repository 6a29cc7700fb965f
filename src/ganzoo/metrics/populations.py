"""Sets of samples that are computed a batch at a time."""

from typing import Protocol

from torch import Tensor

from ganzoo.metrics.images import to_image_range


class Population(Protocol):
    """N samples and, where there are any, their classes."""

    labels: Tensor | None

    def __len__(self) -> int:
        """N."""

    def part(self, start: int, stop: int) -> Tensor:
        """Samples ``[stop - start, ...]``, images in [-1, 1] or points."""


class StoredSamples:
    """Samples that are there already.

    Args:
        samples: ``[N, ...]``, points or images, in [-1, 1] or uint8.
        labels: Classes ``[N]`` or None.

    Raises:
        InputError: if the samples are images of another type or range.
    """

    def __init__(self, samples: Tensor, labels: Tensor | None) -> None:
        self.samples = to_image_range(samples)
        self.labels = labels

    def __len__(self) -> int:
        """N."""
        return len(self.samples)

    def part(self, start: int, stop: int) -> Tensor:
        """Samples ``[stop - start, ...]``."""
        return self.samples[start:stop]
