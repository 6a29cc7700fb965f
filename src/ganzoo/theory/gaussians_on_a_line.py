"""Two Gaussians that differ along one direction only: what needs an integral over that line.

Gaussians in one dimension do, and those with one covariance in any number of dimensions: seen
along the line through the means, in units of the spread, they are ``N(0, 1)`` and ``N(D, 1)`` with
D the Mahalanobis distance, and alike in all other directions.
"""

import math

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.losses import divergences
from ganzoo.losses.divergences import Divergence
from ganzoo.theory import densities
from ganzoo.theory.densities import Density, normal
from ganzoo.theory.gaussians import MultivariateNormal, mahalanobis

_SAME = 1e-10
_FAR = 1e12


def divergence(kind: Divergence, p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """``D_f(P || Q)`` by quadrature on the line, as :func:`ganzoo.theory.densities.divergence`.

    Args:
        kind: of :mod:`ganzoo.losses.divergences`.
        p: MultivariateNormal in one dimension, or with q's covariance.
        q: likewise.

    Returns:
        Scalar, float64, to about 10 digits. With one covariance in several dimensions it can be
        differentiated by the means, and by a covariance that both share.

    Raises:
        InputError: if the two differ in more than one direction, or if an integral is infinite.
    """
    return densities.divergence(kind, *_densities(p, q))


def jensen_shannon(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The Jensen-Shannon divergence, from 0 to ln 2, which has no closed form for Gaussians."""
    return divergence(divergences.JensenShannon(), p, q) / 2


def total_variation(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """Half the integral of ``|p - q|``, by the places where the densities cross.

    With one covariance ``erf(D / (2 sqrt 2))``, D the Mahalanobis distance of the means. The
    gradient between equal Gaussians, where it has none, is given as 0.

    Raises:
        InputError: if the two differ in more than one direction.
    """
    mean, deviation = _standardised(p, q)
    crossings = _crossings(mean.detach(), deviation.detach())
    of_p: Tensor = torch.special.ndtr((crossings - mean) / deviation).diff()
    of_q: Tensor = torch.special.ndtr(crossings).diff()
    return (of_p - of_q).abs().squeeze()


def wasserstein1(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    """The Wasserstein-1 distance: the mean of ``|d + s Z|``, Z standard, d and s the differences.

    In one dimension the best plan joins quantiles (Villani 2003, Topics in Optimal Transportation,
    section 2.2), ``d + s Z`` apart; with one covariance it moves all by d.

    Raises:
        InputError: if the two differ in more than one direction.
    """
    _standardised(p, q)
    distance: Tensor = torch.linalg.vector_norm(p.mean - q.mean)
    if len(p.mean) > 1:
        return distance
    spread = (p.factor - q.factor).abs().squeeze()
    same = spread == 0
    safe = spread.masked_fill(same, 1)
    z = distance / safe
    folded = safe * math.sqrt(2 / math.pi) * (-z.square() / 2).exp()
    folded = folded + distance * (z / math.sqrt(2)).erf()
    return torch.where(same, distance, folded)


def _densities(p: MultivariateNormal, q: MultivariateNormal) -> tuple[Density, Density]:
    mean, deviation = _standardised(p, q)
    return normal(mean, deviation), normal(0.0, 1.0)


def _standardised(p: MultivariateNormal, q: MultivariateNormal) -> tuple[Tensor, Tensor]:
    """P's mean and deviation, scalars, on the line where Q is standard."""
    if p.mean.shape == q.mean.shape == (1,):
        scale = q.factor.squeeze()
        return (p.mean - q.mean).squeeze() / scale, p.factor.squeeze() / scale
    distance = mahalanobis(p.mean, q)
    relative = torch.linalg.solve_triangular(q.factor, p.factor, upper=False).detach()
    if float((relative - torch.eye(len(relative), dtype=torch.float64)).abs().max()) > _SAME:
        raise InputError(
            "this has a form on the line for Gaussians in one dimension, or with one covariance, "
            f"and not for different covariances in {len(p.mean)} dimensions"
        )
    return distance, torch.ones((), dtype=torch.float64)


def _crossings(mean: Tensor, deviation: Tensor) -> Tensor:
    """The two places ``[2]``, in order, where ``N(mean, deviation^2)`` crosses ``N(0, 1)``."""
    precision = deviation**-2
    square, linear = (1 - precision) / 2, mean * precision
    constant = -(mean**2) * precision / 2 - deviation.log()
    root = (linear.square() - 4 * square * constant).clamp(min=0).sqrt()
    half = -(linear + torch.where(linear < 0, -root, root)) / 2
    places = torch.stack([half / square, constant / half])
    return places.nan_to_num(0.0).clamp(-_FAR, _FAR).sort().values  # 0/0 where the two are equal
