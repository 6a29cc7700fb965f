"""The FID that infinitely many generated samples would have."""

import math
from typing import Any, ClassVar

import torch
from scipy import stats
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.features.statistics import feature_statistics
from ganzoo.metrics.frechet import frechet_distance
from ganzoo.metrics.samples import SampleMetric


@defaults_from("metrics/fid_infinity")
class FrechetInfinity(SampleMetric):
    """The FID without the bias of a finite number of generated samples (Chong and Forsyth 2020).

    To first order the FID of N generated samples is too high by an amount in proportion to 1/N,
    which differs from generator to generator, so that even at equal numbers FIDs may be in the
    wrong order (1911.07023). It is computed at several N, evenly spaced, each on a random subset,
    against all real samples; a straight line in 1/N is fitted by least squares, and its value at
    1/N = 0 is returned as ``fid_infinity``. ``fid_infinity_fit`` is the line's R^2, at most 1: far
    below it the values vary more from subset to subset than with N, and there is little bias to
    take away. The value may be negative where the true distance is near 0.

    Only the generated samples go to infinity, as in the paper. The real ones keep their bias, so
    measure against many more of them, or all there are. The line is straight only where the
    smallest subset has several times as many samples as there are features; where it has fewer,
    the value comes out too low.

    Departures: the paper draws latents from scrambled Sobol sequences, which lessens the variance
    of each value; here subsets are drawn from the samples as they are. The smallest subset is a
    share of them, where the paper's has 5,000 of 50,000.

    Args:
        points: The number of N's, at least 3; the paper uses 15.
        smallest: The smallest N, as a share of the generated samples, above 0 and below 1.
        seed: Chooses the subsets; the same at each call.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if points is not a whole number from 3 up or smallest not between 0 and 1, and
            by ``compute`` if there are fewer than 2 real samples, or so few generated ones that
            the N's would be below 2 or not differ.
    """

    directions: ClassVar[dict[str, str]] = {"fid_infinity": "minimize"}

    def __init__(
        self,
        *,
        points: int = FROM_CONFIG,
        smallest: float = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        **options: Any,
    ) -> None:
        check_whole(3, points=points)
        if not 0 < smallest < 1:
            raise InputError(f"smallest must be above 0 and below 1, not {smallest}")
        super().__init__(**options)
        self.points, self.smallest, self.seed = points, smallest, seed

    def compute(self) -> dict[str, Tensor]:
        """Return ``fid_infinity`` and ``fid_infinity_fit``, scalars."""
        few = (
            f"that is what points={self.points} from smallest={self.smallest} take; set "
            "metrics.evaluator.samples higher, or metrics.fid_infinity.points lower"
        )
        real, generated = self.gather(at_least=2)
        self.require(len(generated), at_least=self._least_samples(), real=False, consequence=few)
        counts = torch.linspace(self.smallest, 1, self.points).mul(len(generated)).round().long()
        reference = feature_statistics(real)
        random = torch.Generator().manual_seed(self.seed)
        values = []
        for count in counts.tolist():
            chosen = torch.randperm(len(generated), generator=random)[:count]
            subset = generated[chosen.to(generated.device)]
            values.append(frechet_distance(*reference, *feature_statistics(subset)))
        intercept, fit = fit_line(1 / counts.double(), torch.stack(values))
        measured = {"fid_infinity": intercept, "fid_infinity_fit": fit}
        return {name: torch.tensor(v, device=self.device) for name, v in measured.items()}

    def _least_samples(self) -> int:
        """How many samples give each N at least 2, and no two the same."""
        apart = (self.points - 1) / (1 - self.smallest)
        return math.ceil(max(2 / self.smallest, apart))


def fit_line(positions: Tensor, values: Tensor) -> tuple[float, float]:
    """Fit a straight line by least squares.

    Args:
        positions: ``[K]``, not all the same.
        values: ``[K]``.

    Returns:
        Its value at 0, and the share R^2 of the values' variance that it explains (1 where the
        values do not vary).
    """
    line = stats.linregress(positions.cpu(), values.cpu())
    varies = bool(values.min() < values.max())
    return float(line.intercept), float(line.rvalue) ** 2 if varies else 1.0
