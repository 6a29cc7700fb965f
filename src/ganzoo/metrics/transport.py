"""What the optimal transport distances between two sets of samples have in common."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.samples import SampleMetric


@defaults_from()
class TransportDistance(SampleMetric):
    """A distance between the empirical distributions of real and generated samples.

    Two finite sets from one distribution are apart, too: the more dimensions and the fewer
    samples, the farther. Compare values at the same numbers of samples only, and with the
    ``floor``: the distance between two halves of the real samples, which no generator can be
    expected to fall below at that number, and which only shrinks with more.

    Args:
        limit: The largest number of samples of each kind.
        floor: Whether ``compute`` also returns ``<name>_floor``.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if limit is not a positive whole number, and by ``compute`` if a set has no
            samples (with a floor, fewer than 2 real ones) or more than ``limit``.
    """

    name: ClassVar[str]

    def __init__(
        self, *, limit: int = FROM_CONFIG, floor: bool = FROM_CONFIG, **options: Any
    ) -> None:
        check_whole(limit=limit)
        super().__init__(**options)
        self.limit = limit
        self.floor = floor

    @abstractmethod
    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """The distance between sets ``[N, D]`` and ``[M, D]``, a scalar."""

    def compute(self) -> dict[str, Tensor]:
        """Return the distance, and its floor if wanted, scalars."""
        real, generated = self.gather(at_least=2 if self.floor else 1)
        self._check_counts(len(real), len(generated))
        values = {self.name: self.distance(real, generated)}
        if self.floor:
            first, second = halves(real)
            values[f"{self.name}_floor"] = self.distance(first, second)
        return {name: value.float().to(self.device) for name, value in values.items()}

    def _check_counts(self, real: int, generated: int) -> None:
        if max(real, generated) > self.limit:
            raise InputError(
                f"{type(self).__name__} takes at most limit={self.limit} samples of each kind, "
                f"got {real} real and {generated} generated: use fewer samples, or a higher limit "
                "and patience"
            )


def halves(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Cut ``[N, D]`` at random, the same way each time, into two sets of N // 2 samples."""
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(0))
    size = len(samples) // 2
    order = order.to(samples.device)
    return samples[order[:size]], samples[order[size : 2 * size]]
