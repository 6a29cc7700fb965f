"""Samples that are computed a batch at a time."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from ganzoo.metrics.images import to_image_range
from ganzoo.metrics.inputs import Generator


class SampleBatches(Protocol):
    """N samples, any batch of which can be computed by any process.

    Attributes:
        labels: Their classes ``[N]``, or None.
        generator: What makes them of latents, or None where nothing does.
        protocol: What a report says of how they are made: plain values.
    """

    labels: Tensor | None
    generator: Generator | None
    protocol: Mapping[str, str]

    def __len__(self) -> int:
        """N."""

    def batch(self, start: int, stop: int) -> Tensor:
        """Samples ``[stop - start, ...]``, images in [-1, 1] or points."""


class TensorSamples:
    """Samples that are there already.

    Args:
        samples: ``[N, ...]``, points or images, in [-1, 1] or uint8.
        labels: Classes ``[N]`` or None.

    Raises:
        InputError: if the samples are images of another type or range.
    """

    generator: Generator | None = None

    def __init__(self, samples: Tensor, labels: Tensor | None = None) -> None:
        self.samples = to_image_range(samples)
        self.labels = labels
        self.protocol: Mapping[str, str] = {}

    def __len__(self) -> int:
        """N."""
        return len(self.samples)

    def batch(self, start: int, stop: int) -> Tensor:
        """Samples ``[stop - start, ...]``."""
        return self.samples[start:stop]
