"""Frechet distance between Gaussians, fast and exact also where covariances are singular."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg
from torch import Tensor

from ganzoo.errors import InputError

_Matrix = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)
# How much of the distance squaring the singular values may cost before it is not done.
_TOLERANCE = 1e-11


def frechet_distance(
    mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor
) -> Tensor:
    """Compute the squared Frechet (Wasserstein-2) distance of two Gaussians.

    |mean_a - mean_b|^2 + tr(A) + tr(B) - 2 tr((A B)^(1/2)), as in Dowson and Landau (1982) and
    in Heusel et al. 2017 (equation 6, 1706.08500). With A = K K^T and B = L L^T the last trace is
    the sum of the singular values of K^T L, so no matrix root is taken. The factors come from
    Cholesky's method with pivots, which ends where a covariance is singular to rounding:
    directions without variance are left out, where an eigenvalue that should be 0 and is 1e-16
    would add 1e-8. The singular values are roots of the eigenvalues of K^T B K, unless squaring
    loses digits that matter; then they are computed as such, which takes several times as long.

    Departure: the result is never negative, and exactly 0 for equal arguments.

    Args:
        mean_a: ``[F]``.
        covariance_a: ``[F, F]``, symmetric and positive semi-definite, of any rank.
        mean_b: ``[F]``.
        covariance_b: ``[F, F]``, likewise.

    Returns:
        Scalar, float64, on the CPU, where it is computed whatever the arguments' device.

    Raises:
        InputError: if the shapes do not agree or a value is not finite.
    """
    _check_shapes(mean_a, covariance_a, mean_b, covariance_b)
    means = _array(mean_a), _array(mean_b)
    covariances = _array(covariance_a), _array(covariance_b)
    if not all(np.isfinite(values.sum()) for values in (*means, *covariances)):
        raise InputError("the Frechet distance needs means and covariances that are finite")
    difference = means[0] - means[1]
    apart = float(difference @ difference)
    if np.array_equal(*covariances):
        return torch.tensor(apart, dtype=torch.float64)
    spread = float(np.trace(covariances[0]) + np.trace(covariances[1]))
    distance = apart + spread - 2 * _trace_of_root(*covariances, offset=apart + spread)
    return torch.tensor(max(distance, 0.0), dtype=torch.float64)


def _check_shapes(
    mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor
) -> None:
    features = mean_a.numel()
    shapes = [list(each.shape) for each in (mean_a, covariance_a, mean_b, covariance_b)]
    if shapes != 2 * [[features], [features, features]]:
        raise InputError(
            "the Frechet distance needs means [F] and covariances [F, F] of the same F, "
            f"not {shapes[0]}, {shapes[1]} and {shapes[2]}, {shapes[3]}"
        )


def _array(values: Tensor) -> _Matrix:
    return values.detach().cpu().double().numpy()


def _trace_of_root(covariance_a: _Matrix, covariance_b: _Matrix, *, offset: float) -> float:
    """Sum the singular values of K^T L; the distance is ``offset`` less twice the sum."""
    first, second = sorted(
        (_cholesky_factor(covariance_a), _cholesky_factor(covariance_b)), key=lambda f: f.rank
    )
    product = first.transposed_times(second)
    if not product.size:
        return 0.0
    squares = linalg.eigvalsh(
        product @ product.T, driver="ev", check_finite=False, overwrite_a=True
    )[::-1]
    total = float(np.sqrt(squares.clip(min=0)).sum())
    allowed = max(_TOLERANCE * (offset - 2 * total), _EPS * offset)
    if _error_of_squaring(squares, np.einsum("ij,ij->i", product, product)) <= allowed:
        return total
    return float(linalg.svdvals(product, check_finite=False).sum())


def _error_of_squaring(squares: _Matrix, rows: _Matrix) -> float:
    """Estimate how far the roots of the squares are off, together.

    Squaring blurs small singular values: an eigenvalue is off by eps times the largest. But the
    rows of K^T L fall off as the pivots of K do, and in a product of such rows, largest first,
    the reduction to tridiagonal form errs in each row by eps times the square of that row only:
    then the roots are as exact as singular values computed as such, which takes four times as
    long. They are not where rows are long and all but dependent, as between turned subspaces.
    """
    longest = np.sort(rows)[::-1]
    roots = np.sqrt(np.maximum(squares, _EPS * longest))
    return _EPS * float(np.linalg.norm(longest[roots > 0] / roots[roots > 0]))


@dataclass(frozen=True)
class _Factor:
    """A matrix K ``[F, R]`` whose rows, in the right order, are those of a triangular one.

    Attributes:
        lower: ``[F, F]``, of which the first R columns on and below the diagonal count.
        order: Row i of the triangular matrix is row ``order[i]`` of K.
        rank: R.
    """

    lower: _Matrix
    order: NDArray[np.int32]
    rank: int

    def rows(self, wanted: NDArray[np.int32]) -> _Matrix:
        """The wanted rows of K, in memory as LAPACK has them."""
        position = np.empty_like(self.order)
        position[self.order] = np.arange(len(self.order))
        rows = np.empty((len(wanted), self.rank), order="F")
        triangle = np.tril(self.lower[:, : self.rank])
        return np.take(triangle, position[wanted], axis=0, out=rows, mode="clip")

    def transposed_times(self, other: "_Factor") -> _Matrix:
        """K^T times another factor, ``[R, S]``."""
        rows = other.rows(self.order)
        if self.rank == len(self.lower):  # half the work, as half of it is zero
            product: _Matrix = linalg.blas.dtrmm(
                1.0, self.lower, rows, lower=1, trans_a=1, overwrite_b=1
            )
            return product
        return np.tril(self.lower[:, : self.rank]).T @ rows


def _cholesky_factor(covariance: _Matrix) -> _Factor:
    """Find K ``[F, R]`` with K K^T the covariance, of rank R to rounding.

    By Cholesky's method, with the largest pivot first, until the next is rounding error.
    """
    least = len(covariance) * _EPS * covariance.diagonal().max()
    # The transpose is the same matrix, in the order of memory that LAPACK takes without a copy.
    lower, pivots, rank, _ = linalg.lapack.dpstrf(covariance.T, lower=1, tol=least)
    return _Factor(lower, pivots - 1, int(rank))
