"""Distances of two batches of features by their means and covariances.

Each is a function of features ``[B, F]`` and ``[B', F]``, real first, and is differentiable in the
generated ones, also where a batch is smaller than F and its covariance has no full rank.
Covariances are those of the batches as they are, divided by B.
"""

import math

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive


class SquaredFrobenius:
    """Squared differences: ``||m_r - m_f||^2 + ||C_r - C_f||_F^2``.

    Mean and covariance matching as in McGAN (Mroueh et al. 2017, arXiv:1702.08398), which takes
    norms of the same differences, for other norms; the covariance part is that of Deep CORAL (Sun
    and Saenko 2016, arXiv:1607.01719) without its factor. It weighs directions in which the
    features vary much above others.
    """

    def __call__(self, real: Tensor, fake: Tensor) -> Tensor:
        """Compare features ``[B, F]`` and ``[B', F]``: a scalar."""
        covariances = (covariance(real) - covariance(fake)).square().sum()
        return _between_means(real, fake) + covariances


@defaults_from("penalty/moment_matching_kullback_leibler")
class GaussianKullbackLeibler:
    """The Kullback-Leibler divergence of Gaussians, ``KL(N(m_f, C_f) || N(m_r, C_r))``.

    ``(tr(C_r^-1 C_f) + d^T C_r^-1 d - F + ln det C_r - ln det C_f) / 2`` with ``d = m_f - m_r``;
    for equal covariances half the squared Mahalanobis distance of the means. It measures each
    direction in units of the real features' spread, and grows without bound as the generated ones
    collapse. (The covariances are those that McGAN compares, arXiv:1702.08398.)

    Args:
        ridge: share of the real features' total variance that is added to every variance of both,
            positive: without it the divergence of covariances without full rank is infinite.

    Raises:
        InputError: if ``ridge`` is not positive.
    """

    def __init__(self, *, ridge: float = FROM_CONFIG) -> None:
        check_positive(ridge=ridge)
        self.ridge = ridge

    def __call__(self, real: Tensor, fake: Tensor) -> Tensor:
        """Compare features ``[B, F]`` and ``[B', F]``: a scalar."""
        theirs, mine = covariance(real), covariance(fake)
        ridge = self._ridge(theirs, mine) * torch.eye(len(theirs)).to(theirs)
        root, other = torch.linalg.cholesky(theirs + ridge), torch.linalg.cholesky(mine + ridge)
        step = (fake.mean(dim=0) - real.mean(dim=0))[:, None]
        whitened = torch.linalg.solve_triangular(root, torch.cat([other, step], 1), upper=False)
        logarithms = root.diagonal().log().sum() - other.diagonal().log().sum()
        divergence: Tensor = (whitened.square().sum() - len(theirs)) / 2 + logarithms
        return divergence

    def _ridge(self, theirs: Tensor, mine: Tensor) -> Tensor:
        # Real features that hardly vary would leave no ridge: never less than rounding needs.
        eps = torch.finfo(mine.dtype).eps
        rounding = len(mine) * eps * mine.trace() + eps**2
        return torch.maximum(self.ridge * theirs.trace(), rounding)


class Bures:
    """The squared Wasserstein-2 distance of Gaussians: the means' and the covariances' (Bures).

    ``||m_r - m_f||^2 + tr C_r + tr C_f - 2 tr (C_r^1/2 C_f C_r^1/2)^1/2`` (Dowson and Landau
    1982), the Frechet distance of FID (Heusel et al. 2017, arXiv:1706.08500) on the features of
    the discriminator.

    With centred features A (``C = A^T A``) the covariances' part is the least ``||U A_r - A_f||^2``
    over orthogonal U. It is computed in that form, which needs no matrix root, has the right
    gradient with ``U A_r`` as a constant, and is never negative.
    """

    def __call__(self, real: Tensor, fake: Tensor) -> Tensor:
        """Compare features ``[B, F]`` and ``[B', F]``: a scalar."""
        size = max(len(real), len(fake))
        theirs, mine = _with_rows(centred(real), size), _with_rows(centred(fake), size)
        covariances: Tensor = (aligned(theirs, mine) - mine).square().sum()
        return _between_means(real, fake) + covariances


@torch.no_grad()
def aligned(matrix: Tensor, target: Tensor) -> Tensor:
    """Take U A, with the orthogonal U that brings A ``[B, F]`` nearest to a target ``[B, F]``.

    The solution of the orthogonal Procrustes problem (Schoenemann 1966), U = P W^T for the
    singular value decomposition P S W^T of ``target A^T``, here by factors of at most F rows.
    """
    base, theirs = torch.linalg.qr(target)
    mine = torch.linalg.qr(matrix).R
    left, _, right = torch.linalg.svd(theirs @ mine.T)
    nearest: Tensor = base @ left @ right @ mine
    return nearest


def centred(features: Tensor) -> Tensor:
    """Take A ``[B, F]`` such that ``A^T A`` is the covariance of features ``[B, F]``."""
    return (features - features.mean(dim=0)) / math.sqrt(len(features))


def covariance(features: Tensor) -> Tensor:
    """Take the covariance ``[F, F]`` of features ``[B, F]``, divided by B."""
    spread = centred(features)
    product: Tensor = spread.T @ spread
    return product


def _between_means(real: Tensor, fake: Tensor) -> Tensor:
    return (real.mean(dim=0) - fake.mean(dim=0)).square().sum()


def _with_rows(matrix: Tensor, rows: int) -> Tensor:
    return torch.nn.functional.pad(matrix, (0, 0, 0, rows - len(matrix)))
