"""Exact Wasserstein-1 distance between two sets of samples."""

from typing import Any, ClassVar

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.samples import SampleMetric


class Wasserstein1(SampleMetric):
    """Wasserstein-1 distance of the two empirical distributions, with Euclidean cost.

    Between two sets of N samples an optimal transport plan is a permutation (Birkhoff), so the
    distance is the mean cost of the best one-to-one assignment, which is solved exactly. It is in
    the units of the data. Even two sets from the same distribution are apart by an amount that
    shrinks with N (in two dimensions about as N^(-1/2)): compare values at the same N only.

    Args:
        limit: The largest N. Time grows as its cube at worst, memory as its square.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if limit is not a whole number, and by ``compute`` if the sets differ
            in size, are empty, or are larger than ``limit``.
    """

    directions: ClassVar[dict[str, str]] = {"wasserstein": "minimize"}

    def __init__(self, *, limit: int, **options: Any) -> None:
        check_whole(limit=limit)
        super().__init__(**options)
        self.limit = limit

    def compute(self) -> dict[str, Tensor]:
        """Return ``wasserstein``, a scalar in the units of the data."""
        real, generated = self.gather(at_least=1)
        self._check_counts(len(real), len(generated))
        cost = torch.cdist(
            real.double(), generated.double(), compute_mode="donot_use_mm_for_euclid_dist"
        ).cpu()
        rows, columns = linear_sum_assignment(cost.numpy())
        distance = cost[torch.from_numpy(rows), torch.from_numpy(columns)].mean()
        return {"wasserstein": distance.float().to(self.device)}

    def _check_counts(self, real: int, generated: int) -> None:
        if real != generated:
            raise InputError(
                f"Wasserstein1 needs as many generated as real samples, got {generated} and {real}"
            )
        if real > self.limit:
            raise InputError(
                f"Wasserstein1 takes at most limit={self.limit} samples of each kind, "
                f"got {real}: use fewer samples, or a higher limit and patience"
            )
