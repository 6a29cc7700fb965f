"""Which points of one set lie in the balls around those of another, in bounded memory."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.metrics.distances import (
    Scaling,
    blocks,
    direct_distances,
    find_below,
    full_precision,
    scaling_to_unit_cube,
)

# Of a block's pairs, how many may be doubtful before its product is made again in float64.
_DOUBTFUL = 1 / 64


@dataclass(frozen=True)
class BallCounts:
    """How often points lie in open balls (distance strictly below the radius), int64.

    Attributes:
        points_in_first_balls: Points of the second set in each ball of the first ``[M]``.
        first_balls_around: Balls of the first set around each point of the second ``[N]``.
        second_balls_around: Balls of the second set around each point of the first ``[M]``.
    """

    points_in_first_balls: Tensor
    first_balls_around: Tensor
    second_balls_around: Tensor


@torch.no_grad()
def count_in_balls(
    first: Tensor, first_radii: Tensor, second: Tensor, second_radii: Tensor
) -> BallCounts:
    """Count, in both directions, which points of one set lie in balls around the other's.

    Args:
        first: ``[M, D]``, finite.
        first_radii: ``[M]``, float64, as ``neighbor_distances`` returns them. An open ball of
            radius 0 holds nothing.
        second: ``[N, D]``, finite.
        second_radii: ``[N]``, float64.
    """
    counts = BallCounts(
        torch.zeros(len(first), dtype=torch.int64, device=first.device),
        torch.zeros(len(second), dtype=torch.int64, device=first.device),
        torch.zeros(len(first), dtype=torch.int64, device=first.device),
    )
    scaling = scaling_to_unit_cube(first, second)
    with full_precision(first.device):
        for row, rows in blocks(first):
            for column, columns in blocks(second):
                block = _Block(
                    rows,
                    first_radii[row : row + len(rows)],
                    columns,
                    second_radii[column : column + len(columns)],
                )
                _add_counts(block, scaling, row, column, counts)
    return counts


@dataclass(frozen=True)
class _Block:
    rows: Tensor
    row_radii: Tensor
    columns: Tensor
    column_radii: Tensor


def _add_counts(
    block: _Block, scaling: Scaling, first: int, start: int, counts: BallCounts
) -> None:
    row, column, in_first, in_second = _pairs_in_balls(block, scaling)
    rows, columns = len(block.rows), len(block.columns)
    counts.points_in_first_balls[first : first + rows] += row[in_first].bincount(minlength=rows)
    counts.first_balls_around[start : start + columns] += column[in_first].bincount(
        minlength=columns
    )
    counts.second_balls_around[first : first + rows] += row[in_second].bincount(minlength=rows)


def _pairs_in_balls(block: _Block, scaling: Scaling) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pairs of a row and a column, and whether each lies in the row's and the column's ball."""
    left, norms = scaling.factors(block.rows)
    right, others = scaling.factors(block.columns, last=True)
    squared = left @ right.T
    row_limits = (block.row_radii * scaling.scale).square()
    column_limits = (block.column_radii * scaling.scale).square()
    row, column = _possible_pairs(squared, norms, others, row_limits, column_limits, scaling)
    value = squared[row, column].double()
    error = scaling.error_bound(norms[row].double() + others[column])
    margins = value - row_limits[row], value - column_limits[column]
    doubtful = (torch.minimum(margins[0].abs(), margins[1].abs()) <= error).nonzero().squeeze(1)
    if scaling.dtype == torch.float32 and len(doubtful) > _DOUBTFUL * squared.numel():
        return _pairs_in_balls(block, Scaling(scaling.center, scaling.scale, torch.float64))
    in_first, in_second = margins[0] < 0, margins[1] < 0
    row_again, column_again = row[doubtful], column[doubtful]
    distances = direct_distances(block.rows, row_again, block.columns, column_again)
    in_first[doubtful] = distances < block.row_radii[row_again]
    in_second[doubtful] = distances < block.column_radii[column_again]
    return row, column, in_first, in_second


def _possible_pairs(
    squared: Tensor,
    norms: Tensor,
    others: Tensor,
    row_limits: Tensor,
    column_limits: Tensor,
    scaling: Scaling,
) -> tuple[Tensor, Tensor]:
    """Index pairs ``[P]`` that may lie in one of their two balls."""
    # Twice the error, and a little of the limit, cover the rounding of the sum as well.
    above = 1 + 4 * torch.finfo(scaling.dtype).eps
    of_rows = (row_limits * above + 2 * scaling.error_bound(norms + others.max())).to(scaling.dtype)
    of_columns = (column_limits * above + 2 * scaling.error_bound(others + norms.max())).to(
        scaling.dtype
    )
    row, column = find_below(squared, of_rows[:, None])
    row_again, column_again = find_below(squared, of_columns[None])
    new = squared[row_again, column_again] > of_rows[row_again]
    return torch.cat([row, row_again[new]]), torch.cat([column, column_again[new]])
