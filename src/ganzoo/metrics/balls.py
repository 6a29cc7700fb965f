"""Which points of one set lie in the balls around those of another, in bounded memory."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.metrics.distances import (
    Frame,
    blocks,
    direct_distances,
    find_below,
    frame_around,
    full_precision,
)

# Of a block's pairs, how many may be doubtful before its product is made again in float64.
_DOUBTFUL = 1 / 64


@dataclass(frozen=True)
class Memberships:
    """How often points lie in open balls (distance strictly below the radius), int64.

    Attributes:
        points_in_first: Points of the second set in each ball of the first ``[M]``.
        first_around: Balls of the first set around each point of the second ``[N]``.
        second_around: Balls of the second set around each point of the first ``[M]``.
    """

    points_in_first: Tensor
    first_around: Tensor
    second_around: Tensor


@torch.no_grad()
def count_memberships(
    first: Tensor, first_radii: Tensor, second: Tensor, second_radii: Tensor
) -> Memberships:
    """Count, in both directions, which points of one set lie in balls around the other's.

    Args:
        first: ``[M, D]``, finite.
        first_radii: ``[M]``, float64, as ``neighbor_distances`` returns them. An open ball of
            radius 0 holds nothing.
        second: ``[N, D]``, finite.
        second_radii: ``[N]``, float64.
    """
    counts = Memberships(
        torch.zeros(len(first), dtype=torch.int64, device=first.device),
        torch.zeros(len(second), dtype=torch.int64, device=first.device),
        torch.zeros(len(first), dtype=torch.int64, device=first.device),
    )
    frame = frame_around(first, second)
    with full_precision(first.device):
        for row, rows in blocks(first):
            for column, columns in blocks(second):
                block = _Block(
                    rows,
                    first_radii[row : row + len(rows)],
                    columns,
                    second_radii[column : column + len(columns)],
                )
                _count(block, frame, row, column, counts)
    return counts


def count_members(centers: Tensor, radii: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Count which points lie in which open balls.

    Args:
        centers: ``[M, D]``, finite.
        radii: ``[M]``, float64.
        points: ``[N, D]``, finite.

    Returns:
        The number of points in each ball ``[M]``, and of balls around each point ``[N]``, int64.
    """
    none = torch.zeros(len(points), dtype=torch.float64, device=points.device)
    counts = count_memberships(centers, radii, points, none)
    return counts.points_in_first, counts.first_around


@dataclass(frozen=True)
class _Block:
    rows: Tensor
    row_radii: Tensor
    columns: Tensor
    column_radii: Tensor


def _count(block: _Block, frame: Frame, first: int, start: int, counts: Memberships) -> None:
    row, column, in_first, in_second = _decide(block, frame)
    rows, columns = len(block.rows), len(block.columns)
    counts.points_in_first[first : first + rows] += row[in_first].bincount(minlength=rows)
    counts.first_around[start : start + columns] += column[in_first].bincount(minlength=columns)
    counts.second_around[first : first + rows] += row[in_second].bincount(minlength=rows)


def _decide(block: _Block, frame: Frame) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs of a row and a column, and whether each lies in the row's and the column's ball."""
    left, norms = frame.place(block.rows)
    right, others = frame.place(block.columns, last=True)
    squared = left @ right.T
    row_limits = (block.row_radii * frame.scale).square()
    column_limits = (block.column_radii * frame.scale).square()
    row, column = _possible(squared, norms, others, row_limits, column_limits, frame)
    value = squared[row, column].double()
    error = frame.error(norms[row].double() + others[column])
    margins = value - row_limits[row], value - column_limits[column]
    doubtful = (torch.minimum(margins[0].abs(), margins[1].abs()) <= error).nonzero().squeeze(1)
    if frame.dtype == torch.float32 and len(doubtful) > _DOUBTFUL * squared.numel():
        return _decide(block, Frame(frame.center, frame.scale, torch.float64))
    in_first, in_second = margins[0] < 0, margins[1] < 0
    row_again, column_again = row[doubtful], column[doubtful]
    distances = direct_distances(block.rows, row_again, block.columns, column_again)
    in_first[doubtful] = distances < block.row_radii[row_again]
    in_second[doubtful] = distances < block.column_radii[column_again]
    return row, column, in_first, in_second


def _possible(
    squared: Tensor,
    norms: Tensor,
    others: Tensor,
    row_limits: Tensor,
    column_limits: Tensor,
    frame: Frame,
) -> tuple[Tensor, Tensor]:
    """Index pairs ``[P]`` that may lie in one of their two balls."""
    # Twice the error, and a little of the limit, cover the rounding of the sum as well.
    above = 1 + 4 * torch.finfo(frame.dtype).eps
    of_rows = (row_limits * above + 2 * frame.error(norms + others.max())).to(frame.dtype)
    of_columns = (column_limits * above + 2 * frame.error(others + norms.max())).to(frame.dtype)
    row, column = find_below(squared, of_rows[:, None])
    row_again, column_again = find_below(squared, of_columns[None])
    new = squared[row_again, column_again] > of_rows[row_again]
    return torch.cat([row, row_again[new]]), torch.cat([column, column_again[new]])
