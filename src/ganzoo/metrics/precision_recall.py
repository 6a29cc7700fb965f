"""Improved precision and recall."""

from typing import Any, ClassVar

from torch import Tensor

from ganzoo.errors import check_whole
from ganzoo.metrics.neighbors import count_members, neighbor_distances
from ganzoo.metrics.samples import SampleMetric


class PrecisionRecall(SampleMetric):
    """Improved precision and recall (Kynkaanniemi et al. 2019, equations 1 and 2, 1904.06991).

    Each set is replaced by the union of balls around its samples, each reaching to the sample's
    k-th nearest neighbour within the set. Precision is the share of generated samples within the
    real union, recall the share of real samples within the generated one; both are in [0, 1].

    Departures from the paper: distances are between flattened samples as they are (pixels or
    coordinates), not between features of a network; a ball does not hold its surface (``<`` for
    ``<=``, as in the package prdc), so a set that has collapsed to one point recalls nothing.

    Args:
        neighbors: k; the paper uses 3.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if neighbors is not a positive whole number, and by ``compute`` if a set has
            no more than ``neighbors`` samples.
    """

    directions: ClassVar[dict[str, str]] = {"precision": "maximize", "recall": "maximize"}

    def __init__(self, *, neighbors: int, **options: Any) -> None:
        check_whole(neighbors=neighbors)
        super().__init__(**options)
        self.neighbors = neighbors

    def compute(self) -> dict[str, Tensor]:
        """Return ``precision`` and ``recall``, scalars."""
        real, generated = self.gather(at_least=self.neighbors + 1)
        return {
            "precision": self._covered(real, generated).to(self.device),
            "recall": self._covered(generated, real).to(self.device),
        }

    def _covered(self, support: Tensor, samples: Tensor) -> Tensor:
        radii = neighbor_distances(support, neighbors=self.neighbors)
        _, balls = count_members(support, radii, samples)
        return (balls > 0).float().mean()
