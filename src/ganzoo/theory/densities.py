"""Divergences between distributions on the line that have densities."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.errors import InputError, check_positive
from ganzoo.losses import divergences
from ganzoo.losses.divergences import Divergence
from ganzoo.theory import f_divergences
from ganzoo.theory.quadrature import Line, Mesh, adaptive_mesh, split_at_sign_changes

_MASS_TOLERANCE = 1e-6
_KINK = 1e-15  # how much of the integral a panel with a kink may hold
# Where a Gaussian is told apart from its neighbourhood, in standard deviations.
_NORMAL_MARKS = (-12, -6, -3, 0, 3, 6, 12)


@dataclass(frozen=True)
class Density:
    """A probability density on an interval or on the whole line.

    It may hold tensors that require gradients, with one rule: its support must not move with them,
    as integrals over moving intervals have derivatives that sums over fixed points lack.

    Attributes:
        function: from points of any shape, float64, to log densities in nats, ``-inf`` where there
            is none; it is asked inside the support only.
        support: the ends, of which either may be infinite.
        marks: finite places where the density has kinks, jumps or peaks that are narrow against
            the support, as a mean and some standard deviations about it.
    """

    function: Callable[[Tensor], Tensor]
    support: tuple[float, float]
    marks: tuple[float, ...]

    def __post_init__(self) -> None:
        low, high = self.support
        if not low < high:
            raise InputError(
                f"a support must end above where it begins, not go from {low} to {high}"
            )
        if not all(map(math.isfinite, self.marks)):
            raise InputError(f"marks must be finite, not {self.marks}")

    def log(self, points: Tensor) -> Tensor:
        """The log density at points of any shape, ``-inf`` outside the support."""
        low, high = self.support
        inside = (points >= low) & (points <= high)
        somewhere = points.detach()[inside][:1]
        if not len(somewhere):
            return torch.full_like(points, -math.inf)
        return torch.where(inside, self.function(torch.where(inside, points, somewhere)), -math.inf)


def from_density(
    function: Callable[[Tensor], Tensor], support: tuple[float, float], marks: tuple[float, ...]
) -> Density:
    """A :class:`Density` from the density itself instead of its logarithm.

    A density that falls below 1e-308 is 0 to it, and then divergences may be infinite that are
    not: give the logarithm where tails matter.

    Raises:
        InputError: when used, if the function is negative somewhere.
    """

    def logs(points: Tensor) -> Tensor:
        values = function(points)
        if bool((values < 0).any()):
            place = float(points[values < 0].flatten()[0])
            raise InputError(f"a density must not be negative, but it is at x = {place:.6g}")
        return torch.where(values > 0, values, 1).log().masked_fill(values == 0, -math.inf)

    return Density(logs, support, marks)


def normal(mean: Tensor | float, deviation: Tensor | float) -> Density:
    """A Gaussian density, differentiable by its mean and its standard deviation, scalars.

    Raises:
        InputError: if the deviation is not positive.
    """
    place = torch.as_tensor(mean, dtype=torch.float64)
    scale = torch.as_tensor(deviation, dtype=torch.float64)
    check_positive(deviation=float(scale.detach()))

    def logs(points: Tensor) -> Tensor:
        z = (points - place) / scale
        return -z.square() / 2 - scale.log() - math.log(2 * math.pi) / 2

    marks = tuple(float(place.detach() + m * scale.detach()) for m in _NORMAL_MARKS)
    return Density(logs, (-math.inf, math.inf), marks)


def uniform(low: float, high: float) -> Density:
    """The uniform density on an interval.

    Raises:
        InputError: if the interval is empty or infinite.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"a uniform density needs finite ends in order, not {low} and {high}")
    height = -math.log(high - low)
    return Density(lambda points: torch.full_like(points, height), (low, high), ())


def mixture(weights: Tensor, parts: list[Density]) -> Density:
    """A mixture of densities, differentiable by the weights ``[K]`` and by the parts' tensors.

    Raises:
        InputError: if there is not a weight for each part, if one is negative or NaN, or if they
            do not sum to 1.
    """
    shares = weights.double()
    if shares.shape != (len(parts),):
        raise InputError(f"{len(parts)} parts need as many weights, not {list(shares.shape)}")
    if not bool((shares >= 0).all()) or abs(float(shares.detach().sum()) - 1) > _MASS_TOLERANCE:
        raise InputError(f"weights must not be negative and sum to 1, not {shares.tolist()}")
    present = [(share.log(), part) for share, part in zip(shares, parts, strict=True) if share > 0]

    def logs(points: Tensor) -> Tensor:
        return _log_sum_exp(torch.stack([share + part.log(points) for share, part in present]))

    ends = torch.tensor([part.support for _, part in present])
    inner = [end for end in ends.flatten().tolist() if math.isfinite(end)]
    marks = tuple({*inner, *(mark for _, part in present for mark in part.marks)})
    return Density(logs, (float(ends.min()), float(ends.max())), marks)


def _log_sum_exp(logs: Tensor) -> Tensor:
    """As torch's, but with gradients of 0 where all are ``-inf``."""
    nowhere = (logs == -math.inf).all(0)
    return logs.masked_fill(nowhere, 0).logsumexp(0).masked_fill(nowhere, -math.inf)


def common_line(p: Density, q: Density) -> Line:
    """The smallest line that holds two densities, with the marks and the ends of both."""
    ends = [*p.support, *q.support]
    low, high = min(ends), max(ends)
    marks = [mark for mark in (*p.marks, *q.marks) if low <= mark <= high]
    places = [float(place) for place in (*marks, *ends) if math.isfinite(place)] or [0.0]
    if len(set(places)) < 2:  # one place only: the unit beside it
        places.append(places[0] + (1 if high == math.inf else -1))
    return Line(places, low == -math.inf, high == math.inf)


def common_mesh(p: Density, q: Density, integrand: Callable[[Tensor], Tensor]) -> Mesh:
    """A mesh for two densities and one more function of points, once they prove to be densities.

    Raises:
        InputError: if a density does not integrate to 1 (it says to what), is NaN somewhere, or if
            an integral does not settle.
    """
    line = common_line(p, q)
    masses = adaptive_mesh(line, lambda x: torch.stack([p.log(x).exp(), q.log(x).exp()]))
    for ordinal, density in (("first", p), ("second", q)):
        mass = float(masses.integrate(density.log(masses.points).exp()).detach())
        if not abs(mass - 1) <= _MASS_TOLERANCE:
            raise InputError(f"the {ordinal} density integrates to {mass:.6g}, not to 1")
    return adaptive_mesh(
        line, lambda x: torch.stack([p.log(x).exp(), q.log(x).exp(), integrand(x)])
    )


def kinked_mesh(p: Density, q: Density, integrand: Callable[[Tensor], Tensor]) -> Mesh:
    """:func:`common_mesh` for a function that has kinks where ``p = q``."""

    def excess(mesh: Mesh) -> Tensor:
        return p.log(mesh.points).exp() - q.log(mesh.points).exp()

    mesh = common_mesh(p, q, integrand)
    return split_at_sign_changes(common_line(p, q), mesh, excess, _KINK)


def divergence(kind: Divergence, p: Density, q: Density) -> Tensor:
    """``D_f(P || Q)``, the integral of ``q f(p/q)``.

    Nowozin et al. (2016, arXiv:1606.00709), equation 2. Differentiable once by the tensors in the
    densities, to about 8 digits.

    Args:
        kind: of :mod:`ganzoo.losses.divergences`, in whose normalisation the result is.
        p: the density of P.
        q: the density of Q.

    Returns:
        Scalar, float64, to about 10 digits; infinite where one has mass that the other lacks, and
        f says so.

    Raises:
        InputError: if a density does not integrate to 1 or is NaN somewhere, or if the integral
            does not settle, as where it is infinite by its tails.
    """

    def integrand(points: Tensor) -> Tensor:
        return f_divergences.integrand(kind, p.log(points), q.log(points))

    mesh = (kinked_mesh if f_divergences.has_kink(kind) else common_mesh)(p, q, integrand)
    return mesh.integrate(integrand(mesh.points))


def kullback_leibler(p: Density, q: Density) -> Tensor:
    """``KL(P || Q)``, the integral of ``p log p/q``; see :func:`divergence`."""
    return divergence(divergences.KullbackLeibler(), p, q)


def jensen_shannon(p: Density, q: Density) -> Tensor:
    """The mean of ``KL(P || M)`` and ``KL(Q || M)`` with ``M = (P + Q)/2``, from 0 to ln 2.

    Half of what the zoo's ``JensenShannon`` stands for; ln 2, with no gradient, where the supports
    are disjoint.
    """
    return divergence(divergences.JensenShannon(), p, q) / 2
