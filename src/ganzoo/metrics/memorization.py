"""Whether generated samples are copies of training samples."""

import sys
from typing import Any, ClassVar

import torch
from scipy import stats
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.inputs import MetricInputs
from ganzoo.metrics.neighbors import find_nearest
from ganzoo.metrics.samples import SampleMetric, check_samples, joined


class Memorization(SampleMetric):
    """Data copying, by distances to the nearest training samples (Meehan et al. 2020, 2004.05675).

    The real samples of ``update`` are those that the generator was trained on, all of them if
    copies of each are to be found; those of ``hold_out`` it was not. A generator that
    copies comes closer to them than other samples of the distribution do. ``compute`` returns

    - ``copying``: the z-score of the Mann-Whitney U statistic of generated against held-out
      distances (section 2.1, equation 2, on one cell): about normal with deviation 1 where both
      are from one distribution; far below 0 (under -3) it shows copying, far above it samples
      away from the data;
    - ``copying_ratio``: the median generated over the median held-out distance: 1 where both are
      alike, 0 for copies.

    Departures from the paper: one cell for all of space, so copying in one place may be hidden by
    samples far from the data in another; equal distances count half, and lessen the variance.

    Args:
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: by ``compute`` if a set is empty, or of another size than the held-out samples.
    """

    # Nothing to optimize: the best is neither much above nor much below what held-out data give.
    directions: ClassVar[dict[str, str]] = {}
    needs_held_out: ClassVar[bool] = True
    held_out: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("held_out", default=[], dist_reduce_fx="cat")

    def update_from(self, inputs: MetricInputs) -> None:
        """Update with the samples, held-out ones too."""
        super().update_from(inputs)
        self.hold_out(self.select(inputs.require_held_out(self)).to(self.device))

    def hold_out(self, data: Tensor) -> None:
        """Add real samples that the generator was not trained on.

        Args:
            data: ``[H, ...]``, as those of ``update``.

        Raises:
            InputError: if data is not finite.
        """
        self.held_out.append(check_samples(data, real=True))

    def compute(self) -> dict[str, Tensor]:
        """Return ``copying`` and ``copying_ratio``, scalars."""
        training, generated = self.gather(at_least=1)
        held_out = joined(self.held_out)
        if not len(held_out):
            raise InputError("Memorization needs at least 1 held-out sample, got 0")
        if held_out.shape[1] != training.shape[1]:
            raise InputError(
                f"held-out samples of {held_out.shape[1]} values do not fit "
                f"training samples of {training.shape[1]}"
            )
        ours, theirs = (find_nearest(points, training)[0] for points in (generated, held_out))
        values = {
            "copying": rank_score(ours, theirs),
            "copying_ratio": _ratio_of_medians(ours, theirs),
        }
        return {name: value.float().to(self.device) for name, value in values.items()}


def rank_score(first: Tensor, second: Tensor) -> Tensor:
    """The z-score of how often values ``[N]`` exceed values ``[M]`` (Mann and Whitney 1947).

    Returns:
        A scalar, float64, 0 where all are equal; above 0 where the first tend to be larger.
    """
    n, m = len(first), len(second)
    ranks = stats.rankdata(torch.cat([first, second]).cpu())
    wins = ranks[:n].sum() - n * (n + 1) / 2
    variance = n * m * (n + m + 1) / 12 * stats.tiecorrect(ranks)
    score = (wins - n * m / 2) / max(variance, sys.float_info.min) ** 0.5
    return torch.tensor(score, dtype=torch.float64)


def _ratio_of_medians(first: Tensor, second: Tensor) -> Tensor:
    """The ratio of two medians; 1 where both are 0."""
    ours, theirs = first.quantile(0.5), second.quantile(0.5)
    return torch.where(ours == theirs, 1.0, ours / theirs)
