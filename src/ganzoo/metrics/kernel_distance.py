"""Kernel distance between the features of real and of generated samples."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics.image.kid import poly_mmd

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.samples import SampleMetric


@defaults_from("metrics/kid")
class KernelDistance(SampleMetric):
    """The KID (Binkowski et al. 2018, section 4, 1801.01401), on any features.

    The squared maximum mean discrepancy with the kernel (x.y / F + 1)^3, by its unbiased
    estimate (Gretton et al. 2012, equation 3), averaged over random subsets of either set. Its
    expectation does not depend on the number of samples and is 0 for equal distributions, so
    that single values may be negative. Kernel and estimate are torchmetrics', in float64; the
    subsets are drawn without replacement from a generator of its own.

    Args:
        subsets: Number of subsets; the paper and most others use 100.
        subset_size: Samples in each, at least 2; the paper uses 1,000.
        seed: Chooses the subsets.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if a number is not a positive whole one, and by ``compute`` if a set has fewer
            than ``subset_size`` samples.
    """

    directions: ClassVar[dict[str, str]] = {"kid": "minimize"}

    def __init__(
        self,
        *,
        subsets: int = FROM_CONFIG,
        subset_size: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        check_whole(subsets=subsets)
        check_whole(2, subset_size=subset_size)
        self.subsets, self.subset_size, self.seed = subsets, subset_size, seed

    def compute(self) -> dict[str, Tensor]:
        """Return ``kid`` and its standard deviation over the subsets, ``kid_deviation``."""
        advice = (
            "set metrics.kid.subset_size lower, which leaves the value unbiased and makes it vary "
            "more, or metrics.evaluator.samples higher"
        )
        sets = self.gather(at_least=self.subset_size, consequence=advice)
        real, generated = (samples.double() for samples in sets)
        random = torch.Generator().manual_seed(self.seed)
        estimates = torch.stack(
            [
                poly_mmd(self._subset(real, random), self._subset(generated, random))
                for _ in range(self.subsets)
            ]
        )
        deviation, mean = torch.std_mean(estimates, correction=0)
        return {
            "kid": mean.float().to(self.device),
            "kid_deviation": deviation.float().to(self.device),
        }

    def _subset(self, features: Tensor, random: torch.Generator) -> Tensor:
        chosen = torch.randperm(len(features), generator=random)[: self.subset_size]
        return features[chosen.to(features.device)]
