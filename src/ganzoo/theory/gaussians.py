"""Gaussian distributions in any number of dimensions, and divergences between them.

All goes through Cholesky factors: with covariances ``P = K K^T`` and ``Q = L L^T`` the matrix
``A = L^-1 K`` is the identity where they are equal, however small or large they are.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.theory.stable import exponential_excess

_ASYMMETRY = 1e-8


@dataclass(frozen=True)
class MultivariateNormal:
    """``N(mean, covariance)``, differentiable by both.

    Attributes:
        mean: ``[D]``, float64.
        factor: ``[D, D]``, lower triangular, the covariance's Cholesky factor.
    """

    mean: Tensor
    factor: Tensor

    @property
    def covariance(self) -> Tensor:
        """``[D, D]``."""
        return self.factor @ self.factor.T

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw samples ``[count, D]``."""
        noise = torch.randn(count, len(self.mean), generator=generator, dtype=torch.float64)
        return self.mean + noise @ self.factor.T

    def log_density(self, points: Tensor) -> Tensor:
        """The log density ``[N]`` at points ``[N, D]``, in nats."""
        squares = mahalanobis(points, self).square()
        log_scale = self.factor.diagonal().log().sum()
        return -squares / 2 - log_scale - len(self.mean) * math.log(2 * math.pi) / 2


def gaussian(mean: Tensor, covariance: Tensor) -> MultivariateNormal:
    """A Gaussian from its mean ``[D]`` and its covariance ``[D, D]``.

    Raises:
        InputError: if the shapes do not fit, a number is not finite, or the covariance is not
            symmetric or not positive definite.
    """
    place, spread = mean.double(), covariance.double()
    if place.ndim != 1 or spread.shape != (len(place), len(place)):
        raise InputError(
            "a Gaussian needs a mean [D] and a covariance [D, D], not "
            f"{list(place.shape)} and {list(spread.shape)}"
        )
    _check_finite(place, spread)
    difference = float((spread - spread.T).detach().abs().max())
    if difference > _ASYMMETRY * float(spread.detach().abs().max()):
        raise InputError(
            f"a covariance must be symmetric, but two entries that mirror each other differ by "
            f"{difference:.3g}"
        )
    factor, failed = torch.linalg.cholesky_ex(spread)
    if int(failed):
        lowest = float(torch.linalg.eigvalsh(spread.detach())[0])
        raise InputError(
            f"a covariance must be positive definite, but its smallest eigenvalue is {lowest:.3g}"
        )
    return MultivariateNormal(place, factor)


def isotropic(mean: Tensor, deviation: Tensor | float) -> MultivariateNormal:
    """``N(mean, deviation^2 I)``, from a mean ``[D]`` and a scalar.

    Raises:
        InputError: if the mean has another shape, or the deviation is not a positive number.
    """
    place, scale = mean.double(), torch.as_tensor(deviation, dtype=torch.float64)
    if place.ndim != 1 or scale.ndim:
        raise InputError(
            "an isotropic Gaussian needs a mean [D] and a scalar deviation, not "
            f"{list(place.shape)} and {list(scale.shape)}"
        )
    _check_finite(place, scale)
    if float(scale.detach()) <= 0:
        raise InputError(f"a standard deviation must be positive, not {float(scale.detach())}")
    return MultivariateNormal(place, scale * torch.eye(len(place), dtype=torch.float64))


def mahalanobis(points: Tensor, q: MultivariateNormal) -> Tensor:
    """``sqrt((x - m)^T Q^-1 (x - m))``, the distance from the mean in units of the spread.

    Mahalanobis (1936, On the generalized distance in statistics). At the mean itself the gradient
    is given as 0.

    Args:
        points: ``[N, D]`` or ``[D]``.
        q: gives m and Q.

    Returns:
        ``[N]``, or a scalar.

    Raises:
        InputError: if the dimensions differ.
    """
    if points.shape[-1:] != q.mean.shape:
        raise InputError(
            f"points must have the Gaussian's {len(q.mean)} dimensions, not {points.shape[-1]}"
        )
    apart = (points.double() - q.mean).unsqueeze(-1)
    distances: Tensor = torch.linalg.vector_norm(_whiten(q, apart).squeeze(-1), dim=-1)
    return distances


def kullback_leibler(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """``KL(P || Q) = (tr(Q^-1 P) - D + d^T Q^-1 d + log det Q / det P) / 2``, d between the means.

    With one covariance half the squared Mahalanobis distance of the means; in one dimension
    ``(theta - theta0)^2 / (2 epsilon^2)``, with the gradient ``(theta - theta0) / epsilon^2``: the
    narrower the two, the steeper. Summed by terms that are never negative, so exact also where
    the two are close.

    Returns:
        Scalar, float64.

    Raises:
        InputError: if the dimensions differ.
    """
    relative, apart = _relative(p, q)
    diagonal = exponential_excess(2 * relative.diagonal().log()).sum()
    shape = diagonal + relative.tril(-1).square().sum()
    return (shape + apart.square().sum()) / 2


def log_power_integral(p: MultivariateNormal, q: MultivariateNormal, alpha: float) -> Tensor:
    """The logarithm of the integral of ``p^a q^(1 - a)``, which alpha divergences are made of.

    ``-a (1 - a)/2 d^T S^-1 d - log(det S / (det P^(1 - a) det Q^a)) / 2`` with
    ``S = (1 - a) P + a Q``; infinite where S is not positive definite. (Van Erven and Harremoes
    2014, arXiv:1206.2459, have it as the Renyi divergence times ``a - 1``.)

    Args:
        p: MultivariateNormal in D dimensions.
        q: likewise.
        alpha: ``a``, any finite number.

    Returns:
        Scalar, float64.

    Raises:
        InputError: if the dimensions differ.
    """
    relative, apart = _relative(p, q)
    identity = torch.eye(len(apart), dtype=torch.float64)
    blend, failed = torch.linalg.cholesky_ex((1 - alpha) * relative @ relative.T + alpha * identity)
    if int(failed):
        return torch.full((), math.inf, dtype=torch.float64)
    whitened: Tensor = torch.linalg.solve_triangular(blend, apart[:, None], upper=False)
    distance = whitened.square().sum()
    # log det S^(1/2), less what the two covariances have of it; Q's is 1 in these coordinates.
    volume = blend.diagonal().log().sum() - (1 - alpha) * relative.diagonal().log().sum()
    logarithm: Tensor = -alpha * (1 - alpha) / 2 * distance - volume
    return logarithm


def alpha_divergence(p: MultivariateNormal, q: MultivariateNormal, alpha: float) -> Tensor:
    """The integral of ``(p^a q^(1 - a) - a p - (1 - a) q) / (a (a - 1))``, as the zoo's ``Alpha``.

    Returns:
        Scalar, float64; infinite where the tails make it so, or beyond 1e308.

    Raises:
        InputError: if alpha is 0, 1 or not finite, or if the dimensions differ.
    """
    if not math.isfinite(alpha) or alpha in (0, 1):
        raise InputError(f"alpha must be finite and neither 0 nor 1, not {alpha}")
    return log_power_integral(p, q, alpha).expm1() / (alpha * (alpha - 1))


def squared_hellinger(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The integral of ``(sqrt p - sqrt q)^2``, from 0 to 2, as the zoo's ``SquaredHellinger``."""
    return alpha_divergence(p, q, 0.5) / 2


def pearson_chi_squared(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The integral of ``(p - q)^2 / q``; infinite unless ``2 Q - P`` is positive definite."""
    return 2 * alpha_divergence(p, q, 2.0)


def neyman_chi_squared(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The integral of ``(p - q)^2 / p``; infinite unless ``2 P - Q`` is positive definite."""
    return 2 * alpha_divergence(p, q, -1.0)


def squared_wasserstein2(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """``|d|^2 + tr(P + Q - 2 (P^(1/2) Q P^(1/2))^(1/2))``: Dowson and Landau (1982).

    The second part, the squared Bures distance, is the least ``|K - L U|^2`` over rotations U of
    the Cholesky factors; summed in that form it is exact also where the two are close. First
    derivatives are right, second ones are not, as U is held where it is least.

    Returns:
        Scalar, float64.

    Raises:
        InputError: if the dimensions differ.
    """
    _check_dimensions(p, q)
    return _transport_differences(p, q).square().sum()


def wasserstein2(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The Wasserstein-2 distance, the root of :func:`squared_wasserstein2`.

    Its gradient between equal Gaussians, where it has none, is given as 0.
    """
    _check_dimensions(p, q)
    distance: Tensor = torch.linalg.vector_norm(_transport_differences(p, q))
    return distance


def _transport_differences(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """Numbers whose squares sum to the squared distance, ``[D + D D]``."""
    left, _, right = torch.linalg.svd((q.factor.T @ p.factor).detach())
    return torch.cat([p.mean - q.mean, (p.factor - q.factor @ (left @ right)).flatten()])


def _relative(p: MultivariateNormal, q: MultivariateNormal) -> tuple[Tensor, Tensor]:
    """P's factor ``[D, D]`` and its mean's place ``[D]``, where Q is the standard Gaussian."""
    _check_dimensions(p, q)
    return _whiten(q, p.factor), _whiten(q, (p.mean - q.mean)[:, None]).squeeze(-1)


def _whiten(q: MultivariateNormal, columns: Tensor) -> Tensor:
    whitened: Tensor = torch.linalg.solve_triangular(q.factor, columns, upper=False)
    return whitened


def _check_dimensions(p: MultivariateNormal, q: MultivariateNormal) -> None:
    if p.mean.shape != q.mean.shape:
        raise InputError(
            f"two Gaussians must have as many dimensions, not {len(p.mean)} and {len(q.mean)}"
        )


def _check_finite(*values: Tensor) -> None:
    if not all(bool(each.isfinite().all()) for each in values):
        raise InputError("a Gaussian's mean and covariance must be finite numbers")
