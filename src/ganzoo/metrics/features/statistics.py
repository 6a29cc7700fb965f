"""Mean and covariance of features that come in batches, in float64.

The three numbers of a set (its count, mean and sum of products of deviations from that mean) are
kept in one tensor ``[F + 2, F]``, so that two sets are joined exactly as Chan, Golub and LeVeque
(1979) do, whether they are batches or the shares of devices. Sums of squares, which lose the
digits that a mean far from 0 takes up, are never made.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Statistics(NamedTuple):
    """What a Frechet distance needs of a set of features."""

    mean: Tensor  # [F], float64
    covariance: Tensor  # [F, F], float64, divided by count - 1


def feature_statistics(features: Tensor) -> Statistics:
    """Compute the statistics of one set of features ``[N, F]``, N at least 2."""
    moments = empty_moments(features.shape[1]).to(features.device)
    add_features(moments, features)
    return to_statistics(moments)


def empty_moments(dimension: int) -> Tensor:
    """Make the tensor of a set without samples."""
    return torch.zeros(dimension + 2, dimension, dtype=torch.float64)


def add_features(moments: Tensor, features: Tensor) -> None:
    """Add a batch of features ``[B, F]`` in place."""
    if not len(features):
        return
    batch = features.detach().to(moments.device).double()
    mean = batch.mean(dim=0)
    _join(moments, len(batch), mean, batch - mean)


def merge_moments(parts: Tensor) -> Tensor:
    """Join sets ``[W, F + 2, F]`` of W devices into one ``[F + 2, F]``."""
    merged = parts[0].clone()
    for part in parts[1:]:
        if part[0, 0] > 0:
            merged[2:] += part[2:]
            _join(merged, int(part[0, 0]), part[1], part.new_empty(0, part.shape[1]))
    return merged


def to_statistics(moments: Tensor) -> Statistics:
    """Return mean and unbiased covariance; of at least 2 samples."""
    return Statistics(moments[1], moments[2:] / (moments[0, 0] - 1))


def _join(moments: Tensor, count: int, mean: Tensor, deviations: Tensor) -> None:
    """Join a set whose deviations from its own mean are given, or were added before."""
    before = moments[0, 0].clone()
    total = before + count
    apart = mean - moments[1]
    rows = torch.cat([deviations, apart[None] * (before * count / total).sqrt()])
    moments[2:].addmm_(rows.T, rows)
    moments[1] += apart * (count / total)
    moments[0] = total
