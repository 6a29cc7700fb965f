"""Distances to nearest neighbours, in bounded memory.

The number of distances grows with the square of the number of points, so they are made block by
block, each once for both its points, and only those that may be among the nearest are kept.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ganzoo.metrics.distances import (
    Scaling,
    blocks,
    direct_distances,
    find_below,
    full_precision,
    rows_per_block,
    scaling_to_unit_cube,
)

_MOST_PENDING = 2**18


@torch.no_grad()
def neighbor_distances(points: Tensor, *, neighbors: int) -> Tensor:
    """Find each point's distance to its k-th nearest other point.

    Args:
        points: ``[N, D]``, finite.
        neighbors: k, from 1 to N - 1. A duplicate of a point is one of its neighbours, at
            distance 0; the point itself is not.

    Returns:
        Euclidean distances ``[N]``, float64, exact to the last bits. Where very many points are
        about as far as the k-th, which of them that is, is decided on float64 matrix products.
    """
    candidates = _Candidates(points, neighbors)
    scaling = scaling_to_unit_cube(points)
    with full_precision(points.device):
        for block in _candidate_pairs(points, scaling, neighbors, candidates):
            candidates.add(block)
        candidates.prune()
        radii = candidates.distances(points)
        crowded = candidates.limits.isneginf().nonzero().squeeze(1)
        if len(crowded):
            radii[crowded] = _distances_by_sorting(points, crowded, neighbors)
    return radii


class _Pairs(NamedTuple):
    """Points, possible neighbours, and bounds on their squared distances, all ``[P]``."""

    row: Tensor
    column: Tensor
    low: Tensor
    high: Tensor

    def where(self, kept: Tensor) -> "_Pairs":
        return _Pairs(*(values[kept] for values in self))


def _order_statistics(row: Tensor, values: Tensor, rank: Tensor) -> Tensor:
    """The value of the given rank ``[N]``, from 1, in each row; infinite where there are fewer."""
    order = values.argsort()
    order = order[row[order].argsort(stable=True)]
    row, values = row[order], values[order]
    counts = row.bincount(minlength=len(rank))
    place = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
    wanted = place == rank[row] - 1
    result = values.new_full((len(rank),), torch.inf)
    result[row[wanted]] = values[wanted]
    return result


class _Candidates:
    """The pairs that may still be among the k nearest of their row.

    A row with very many of them (duplicates, or clusters so tight that the screening cannot see
    into them) is crowded: its limit becomes -inf, and it is left to be sorted by itself.
    """

    def __init__(self, points: Tensor, k: int) -> None:
        double = torch.float64
        self.limits = torch.full((len(points),), torch.inf, dtype=double, device=points.device)
        self.rank = torch.full((len(points),), k, device=points.device)
        self.most = 4 * k + 32
        self.kept: list[_Pairs] = []
        self.pending = 0

    def add(self, pairs: _Pairs) -> None:
        self.kept.append(pairs)
        self.pending += len(pairs.row)
        if self.pending > _MOST_PENDING:
            self.prune()

    def prune(self) -> None:
        """Lower the limits to the k-th smallest upper bounds, and drop what is above them."""
        pairs = _Pairs(*map(torch.cat, zip(*self.kept, strict=True)))
        self.limits = self.limits.minimum(_order_statistics(pairs.row, pairs.high, self.rank))
        pairs = pairs.where(pairs.low <= self.limits[pairs.row])
        crowded = pairs.row.bincount(minlength=len(self.limits)) > self.most
        self.limits[crowded] = -torch.inf
        self.kept, self.pending = [pairs.where(~crowded[pairs.row])], 0

    def distances(self, points: Tensor) -> Tensor:
        """The k-th distances, summed directly where the bounds leave more than one choice."""
        (pairs,) = self.kept
        floor = _order_statistics(pairs.row, pairs.low, self.rank)
        nearer = pairs.high < floor[pairs.row]
        passed = pairs.row[nearer].bincount(minlength=len(self.rank))
        rest = pairs.where(~nearer)
        distances = direct_distances(points, rest.row, points, rest.column)
        return _order_statistics(rest.row, distances, self.rank - passed)


def _candidate_pairs(
    points: Tensor, scaling: Scaling, k: int, candidates: _Candidates
) -> Iterator[_Pairs]:
    """Candidates within each block first, so that limits are low for all pairs of blocks."""
    cut = blocks(points)
    for first, rows in cut:
        left, norms = scaling.factors(rows)
        squared = left @ scaling.factors(rows, last=True)[0].T
        squared.fill_diagonal_(torch.inf)
        limits = candidates.limits[first : first + len(rows)]
        if len(rows) > k:
            nearest = squared.topk(k, dim=1, largest=False).values[:, -1].double()
            limits.copy_(nearest + scaling.error_bound(norms.double() + norms.max()))
        yield _pairs_within_limits(squared, scaling, (first, norms), (first, norms), limits)
    for number, (first, rows) in enumerate(cut):
        left, norms = scaling.factors(rows)
        for start, columns in cut[number + 1 :]:
            right, others = scaling.factors(columns, last=True)
            squared = left @ right.T
            limits = candidates.limits[first : first + len(rows)]
            yield _pairs_within_limits(squared, scaling, (first, norms), (start, others), limits)
            limits = candidates.limits[start : start + len(columns)]
            yield _pairs_within_limits(squared.T, scaling, (start, others), (first, norms), limits)


def _pairs_within_limits(
    squared: Tensor,
    scaling: Scaling,
    rows: tuple[int, Tensor],
    columns: tuple[int, Tensor],
    limits: Tensor,
) -> _Pairs:
    """The pairs of a block ``[R, C]`` that may be within their row's limit."""
    (first, norms), (start, others) = rows, columns
    # Twice the error covers the rounding of the sum as well.
    reach = (limits + 2 * scaling.error_bound(norms.double() + others.max())).to(scaling.dtype)
    if squared.is_contiguous():
        row, column = find_below(squared, reach[:, None])
    else:
        column, row = find_below(squared.T, reach[None])
    value = squared[row, column].double()
    error = scaling.error_bound(norms[row].double() + others[column])
    return _Pairs(row + first, column + start, value - error, value + error)


def _distances_by_sorting(points: Tensor, wanted: Tensor, k: int) -> Tensor:
    """Distances of the wanted points ``[P]`` to their k-th neighbours, by float64 products."""
    scaling = scaling_to_unit_cube(points, dtype=torch.float64)
    radii = []
    rows = rows_per_block(points)
    for first in range(0, len(wanted), rows):
        own = wanted[first : first + rows]
        nearest = _nearest_indices(points[own], points, scaling, k, own=own)
        pairs = direct_distances(points, own.repeat_interleave(k), points, nearest.flatten())
        radii.append(pairs.view(-1, k).amax(dim=1))
    return torch.cat(radii)


@torch.no_grad()
def find_nearest(points: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Find the nearest of other points to each point.

    Args:
        points: ``[N, D]``, finite.
        others: ``[M, D]``, finite, at least one.

    Returns:
        Euclidean distances ``[N]``, float64, and indices into ``others`` ``[N]``. Which of several
        that are equally near is found, is left open.
    """
    scaling = scaling_to_unit_cube(points, others, dtype=torch.float64)
    cut = blocks(points)
    nearest = torch.cat([_nearest_indices(rows, others, scaling, 1) for _, rows in cut]).squeeze(1)
    rows = torch.arange(len(points), device=points.device)
    return direct_distances(points, rows, others, nearest), nearest


def _nearest_indices(
    rows: Tensor, points: Tensor, scaling: Scaling, k: int, own: Tensor | None = None
) -> Tensor:
    """Indices ``[R, k]`` of the points nearest to the rows, their own left out."""
    left, _ = scaling.factors(rows)
    best = left.new_empty(len(rows), 0)
    found = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)
    for start, columns in blocks(points):
        squared = left @ scaling.factors(columns, last=True)[0].T
        indices = torch.arange(start, start + len(columns), device=points.device)
        if own is not None:
            squared[own[:, None] == indices] = torch.inf
        best = torch.cat([best, squared], dim=1)
        found = torch.cat([found, indices.expand(len(rows), -1)], dim=1)
        best, kept = best.topk(min(k, best.shape[1]), dim=1, largest=False)
        found = found.gather(1, kept)
    return found
