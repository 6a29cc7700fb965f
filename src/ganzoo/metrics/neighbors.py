"""Distances to nearest neighbours and membership of balls, in bounded memory.

The number of distances grows with the product of the two sample counts, so they are made block by
block and never kept. A matrix product in float64 makes a block of squared distances fast but
rounds differently from block to block; whether a sample lies strictly within a ball is decided on
distances that are summed directly wherever that rounding could decide it. So a sample at exactly
the distance of the radius is always outside, whatever the blocks, the threads or the device.
"""

import torch
from torch import Tensor

# Of one block in float64: at most 8 MiB of distances, and 32 MiB of samples unless one is large.
_MOST_ROWS = 1024
_LEAST_ROWS = 16
_VALUES = 2**22


def neighbor_distances(points: Tensor, *, neighbors: int) -> Tensor:
    """Find each point's distance to its k-th nearest other point.

    Args:
        points: ``[N, D]``, finite.
        neighbors: k, from 1 to N - 1. A duplicate of a point is one of its neighbours, at
            distance 0; the point itself is not.

    Returns:
        Euclidean distances ``[N]``, float64. Which neighbour is the k-th is decided on float64
        matrix products; the distance to it is then exact to the last bits.
    """
    radii = []
    for first, rows in _blocks(points):
        nearest = _nearest_others(rows, first, points, neighbors)
        of = torch.arange(len(rows), device=points.device).repeat_interleave(neighbors)
        distances = _direct_distances(rows, of, points, nearest.flatten())
        radii.append(distances.view(-1, neighbors).amax(dim=1))
    return torch.cat(radii)


def count_members(centers: Tensor, radii: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Count which points lie in which open balls (distance strictly below the radius).

    Args:
        centers: ``[M, D]``, finite.
        radii: ``[M]``, float64, as :func:`neighbor_distances` returns them.
        points: ``[N, D]``, finite.

    Returns:
        The number of points in each ball ``[M]``, and of balls around each point ``[N]``, int64.
    """
    per_ball = torch.zeros(len(centers), dtype=torch.int64, device=centers.device)
    per_point = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    for ball, rows in _blocks(centers):
        for point, columns in _blocks(points):
            inside = _inside(rows, radii[ball : ball + len(rows)], columns)
            per_ball[ball : ball + len(rows)] += inside.sum(dim=1)
            per_point[point : point + len(columns)] += inside.sum(dim=0)
    return per_ball, per_point


def _blocks(points: Tensor) -> list[tuple[int, Tensor]]:
    """Cut ``[N, D]`` into pairs of a first index and the rows from there on."""
    rows = _block_rows(points)
    return [(first, points[first : first + rows]) for first in range(0, len(points), rows)]


def _block_rows(points: Tensor) -> int:
    return min(_MOST_ROWS, max(_LEAST_ROWS, _VALUES // max(1, points.shape[1])))


def _nearest_others(rows: Tensor, first: int, points: Tensor, neighbors: int) -> Tensor:
    """Indices ``[R, k]`` of the nearest points; row i is ``points[first + i]``, never its own."""
    best = torch.empty(len(rows), 0, dtype=torch.float64, device=points.device)
    found = torch.empty(len(rows), 0, dtype=torch.int64, device=points.device)
    for start, columns in _blocks(points):
        squared, _ = _screened(rows, columns)
        if start == first:
            squared.fill_diagonal_(torch.inf)
        indices = torch.arange(start, start + len(columns), device=points.device)
        best = torch.cat([best, squared], dim=1)
        found = torch.cat([found, indices.expand(len(rows), -1)], dim=1)
        best, kept = best.topk(min(neighbors, best.shape[1]), dim=1, largest=False)
        found = found.gather(1, kept)
    return found


def _inside(centers: Tensor, radii: Tensor, points: Tensor) -> Tensor:
    squared, error = _screened(centers, points)
    margin = squared - radii.square()[:, None]
    inside = margin < 0
    ball, point = (margin.abs() <= error).nonzero(as_tuple=True)
    if len(ball):
        inside[ball, point] = _direct_distances(centers, ball, points, point) < radii[ball]
    return inside


def _screened(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Squared distances ``[R, C]`` and a bound on their rounding error.

    With |x|^2 + |y|^2 - 2 x.y each sum of D products is off by at most D u times the sum of the
    absolute products, which is at most (|x|^2 + |y|^2) / 2 for the mixed one.
    """
    rows, columns = rows.double(), columns.double()
    norms = rows.square().sum(dim=1)[:, None] + columns.square().sum(dim=1)
    error = norms * (2 * (rows.shape[1] + 4) * torch.finfo(torch.float64).eps)
    return norms - 2 * rows @ columns.T, error


def _direct_distances(rows: Tensor, row: Tensor, columns: Tensor, column: Tensor) -> Tensor:
    """Distances of index pairs ``[P]``, each summed in the same order whatever its block."""
    distances = []
    block = _block_rows(rows)
    for first in range(0, len(row), block):
        left = rows[row[first : first + block]].double().unsqueeze(1)
        right = columns[column[first : first + block]].double().unsqueeze(1)
        mode = "donot_use_mm_for_euclid_dist"
        distances.append(torch.cdist(left, right, compute_mode=mode).flatten())
    return torch.cat(distances)
