"""Precision, recall, density and coverage from the same distances."""

from typing import Any, ClassVar

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.balls import count_in_balls
from ganzoo.metrics.neighbors import neighbor_distances
from ganzoo.metrics.samples import SampleMetric


@defaults_from("metrics/prdc")
class PRDC(SampleMetric):
    """Precision, recall, density and coverage, at one number of neighbours.

    Each set is replaced by balls around its samples, each reaching to the sample's k-th nearest
    neighbour within the set. ``compute`` returns

    - ``precision``: the share of generated samples in a real ball (Kynkaanniemi et al. 2019,
      equation 2, 1904.06991), in [0, 1];
    - ``recall``: the share of real samples in a generated ball, in [0, 1];
    - ``density``: the number of real balls around a generated sample, averaged and divided by k
      (Naeem et al. 2020, equation 2, 2002.09797): 1 in expectation where the distributions agree,
      and above 1 where the generator keeps to the dense parts;
    - ``coverage``: the share of real balls that hold a generated sample (equation 3), in [0, 1];
      unlike recall's, these balls are real, so that an outlier of the generator covers nothing.

    Real, generated and mixed distances are each made once, block by block, and none is kept:
    memory does not grow with the number of them.

    Departure from the first paper: a ball does not hold its surface (``<`` for ``<=``, as in the
    second paper's package prdc), so a set that has collapsed to one point recalls nothing.

    Departure from the package: distances are compared as if in float64. Its own are in the
    samples' precision, so that in float32 a pair whose distance is that of the radius up to
    rounding may be counted otherwise there.

    Args:
        neighbors: k; Naeem et al. use 5, Kynkaanniemi et al. 3.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if neighbors is not a positive whole number, and by ``compute`` if a set has
            no more than ``neighbors`` samples.
    """

    directions: ClassVar[dict[str, str]] = {
        "precision": "maximize",
        "recall": "maximize",
        "density": "maximize",
        "coverage": "maximize",
    }

    def __init__(self, *, neighbors: int = FROM_CONFIG, **options: Any) -> None:
        check_whole(neighbors=neighbors)
        super().__init__(**options)
        self.neighbors = neighbors

    def compute(self) -> dict[str, Tensor]:
        """Return ``precision``, ``recall``, ``density`` and ``coverage``, scalars."""
        advice = "set metrics.evaluator.samples higher, or metrics.prdc.neighbors lower"
        real, generated = self.gather(at_least=self.neighbors + 1, consequence=advice)
        real_radii = neighbor_distances(real, neighbors=self.neighbors)
        generated_radii = neighbor_distances(generated, neighbors=self.neighbors)
        counts = count_in_balls(real, real_radii, generated, generated_radii)
        values = {
            "precision": (counts.first_balls_around > 0).double().mean(),
            "recall": (counts.second_balls_around > 0).double().mean(),
            "density": counts.first_balls_around.double().mean() / self.neighbors,
            "coverage": (counts.points_in_first_balls > 0).double().mean(),
        }
        return {name: value.float().to(self.device) for name, value in values.items()}
