"""How many modes of a known mixture a generator has found."""

import math
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from ganzoo.errors import InputError, check_positive
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.samples import TwoSampleMetric, check_samples

# The field's definition of a high-quality sample.
_DEVIATIONS = 3.0


class HasModes(Protocol):
    """A mixture of K equally likely round Gaussians."""

    modes: Tensor  # [K, D]
    deviation: float


class ModeCoverage(TwoSampleMetric):
    """Modes covered, share of high-quality samples, and evenness among modes.

    As VEEGAN (Srivastava et al. 2017, section 4.1, 1705.07761) and PacGAN (Lin et al. 2018,
    section 4.1, 1712.04086) count them: a sample is of high quality if it lies within three
    standard deviations (Euclidean distance) of its nearest mode, and a mode is covered if it is
    the nearest mode of at least one high-quality sample. ``compute`` returns

    - ``modes``: the number of covered modes, from 0 to K;
    - ``high_quality``: the share of high-quality samples, in [0, 1]. Of a D-dimensional
      Gaussian itself three deviations hold 98.9 % for D = 2, and less the larger D;
    - ``mode_kl``: KL(p || uniform) in nats, from 0 to ln K, where p is the share of each mode
      among the high-quality samples; ln K, the worst, if there are none.

    Departure: ``mode_kl`` compares with the true uniform weights, not with a real batch, and
    leaves out samples that are not of high quality.

    Args:
        distribution: Object with ``modes`` ``[K, D]`` and their common standard ``deviation``.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: by ``update`` if the distribution has no modes.
    """

    depends_on_features = False
    directions: ClassVar[dict[str, str]] = {
        "modes": "maximize",
        "high_quality": "maximize",
        "mode_kl": "minimize",
    }
    centers: Tensor
    counts: Tensor
    total: Tensor

    def __init__(self, *, distribution: HasModes, **options: Any) -> None:
        super().__init__(**options)
        modes = getattr(distribution, "modes", None)
        self._origin = type(distribution).__name__
        if not (isinstance(modes, Tensor) and modes.ndim == 2 and len(modes)):
            modes, self.radius = torch.empty(0, 0), 0.0  # said when they are to be counted
        else:
            check_positive(deviation=distribution.deviation)
            self.radius = _DEVIATIONS * distribution.deviation
        self.register_buffer("centers", modes.detach().clone(), persistent=False)
        self.add_state(
            "counts", default=torch.zeros(len(modes), dtype=torch.int64), dist_reduce_fx="sum"
        )
        self.add_state("total", default=torch.tensor(0), dist_reduce_fx="sum")

    def select(self, samples: SampleSet) -> Tensor:
        """The points themselves."""
        return samples.samples

    def update(self, data: Tensor, *, real: bool) -> None:
        """Count generated samples; real ones are not needed.

        Args:
            data: ``[B, D]``.
            real: Whether they come from the data, in which case they are passed over.

        Raises:
            InputError: if data is not finite, or not of the modes' dimension.
        """
        if not len(self.centers):
            raise InputError(
                f"{self._origin} has no modes [K, D] to count: leave modes out of the metrics"
            )
        samples = check_samples(data, real=real)
        if samples.shape[1] != self.centers.shape[1]:
            raise InputError(
                f"samples of {samples.shape[1]} values do not fit "
                f"modes of {self.centers.shape[1]} dimensions"
            )
        if real:
            return
        centers = self.centers.to(samples)
        distances = torch.cdist(samples, centers, compute_mode="donot_use_mm_for_euclid_dist")
        distance, nearest = distances.min(dim=1)
        high_quality = nearest[distance <= self.radius]
        self.counts += high_quality.bincount(minlength=len(centers)).to(self.counts)
        self.total += len(samples)

    def compute(self) -> dict[str, Tensor]:
        """Return ``modes``, ``high_quality`` and ``mode_kl``, scalars.

        Raises:
            InputError: if there were no generated samples.
        """
        if not self.total:
            raise InputError("ModeCoverage needs at least 1 generated sample, got 0")
        high_quality = self.counts.sum()
        share = self.counts / high_quality.clamp(min=1)
        divergence = torch.special.xlogy(share, share * len(share)).sum().clamp(min=0)
        worst = torch.full_like(divergence, math.log(len(share)))
        return {
            "modes": (self.counts > 0).sum().float(),
            "high_quality": high_quality / self.total,
            "mode_kl": torch.where(high_quality > 0, divergence, worst),
        }
