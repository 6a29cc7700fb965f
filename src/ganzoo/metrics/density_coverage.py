"""Density and coverage."""

from typing import Any, ClassVar

from torch import Tensor

from ganzoo.errors import check_whole
from ganzoo.metrics.neighbors import count_members, neighbor_distances
from ganzoo.metrics.samples import SampleMetric


class DensityCoverage(SampleMetric):
    """Density and coverage (Naeem et al. 2020, equations 2 and 3, 2002.09797).

    Only real samples get balls, so that an outlier of the generator covers nothing. Density is
    the number of real balls around a generated sample, averaged and divided by k: 1 in
    expectation where the distributions agree, and it may exceed 1 where the generator keeps to
    the dense parts. Coverage, in [0, 1], is the share of real balls that hold a generated sample.

    Departure from the paper: distances are between flattened samples as they are (pixels or
    coordinates), not between features of a network.

    Args:
        neighbors: k; the paper uses 5.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if neighbors is not a positive whole number, and by ``compute`` if a set has
            no more than ``neighbors`` samples.
    """

    directions: ClassVar[dict[str, str]] = {"density": "maximize", "coverage": "maximize"}

    def __init__(self, *, neighbors: int, **options: Any) -> None:
        check_whole(neighbors=neighbors)
        super().__init__(**options)
        self.neighbors = neighbors

    def compute(self) -> dict[str, Tensor]:
        """Return ``density`` and ``coverage``, scalars."""
        real, generated = self.gather(at_least=self.neighbors + 1)
        radii = neighbor_distances(real, neighbors=self.neighbors)
        members, balls = count_members(real, radii, generated)
        return {
            "density": (balls.float().mean() / self.neighbors).to(self.device),
            "coverage": (members > 0).float().mean().to(self.device),
        }
