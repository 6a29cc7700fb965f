"""Wasserstein distances on the line, where the best plan keeps the order.

``W_r^r`` is the integral over levels u in (0, 1) of ``|F^-1(u) - G^-1(u)|^r`` with quantile
functions ``F^-1`` and ``G^-1``, and ``W_1`` that of ``|F(x) - G(x)|`` over the line: Villani (2003,
Topics in Optimal Transportation), section 2.2.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.theory.densities import Density, common_line, common_mesh
from ganzoo.theory.discrete import log_probabilities
from ganzoo.theory.quadrature import Line, Mesh, adaptive_mesh, split_at_sign_changes

_SIGN_CHANGE = 1e-13  # how much of the distance a panel in which the sign changes may hold


def discrete_wasserstein(
    places_p: Tensor, p: Tensor, places_q: Tensor, q: Tensor, order: float
) -> Tensor:
    """``W_r`` between two discrete distributions on the line.

    Differentiable by places and probabilities; where it is 0 the gradient is not defined, and
    NaN for orders above 1.

    Args:
        places_p: ``[N]``, in any order.
        p: probabilities ``[N]``.
        places_q: ``[M]``.
        q: probabilities ``[M]``.
        order: r, at least 1.

    Returns:
        Scalar, float64, in the units of the places.

    Raises:
        InputError: if the shapes do not fit, probabilities are negative or do not sum to 1, or r is
            below 1.
    """
    _check_order(order)
    for places, shares in ((places_p, p), (places_q, q)):
        if places.ndim != 1 or places.shape != shares.shape:
            raise InputError(
                "each place needs a probability, [N] and [N], not "
                f"{list(places.shape)} and {list(shares.shape)}"
            )
        log_probabilities(shares)
    first, levels_p = _steps(places_p, p)
    second, levels_q = _steps(places_q, q)
    levels = torch.cat([levels_p, levels_q]).clamp(0, 1).sort().values
    widths = levels.diff(prepend=levels.new_zeros(1))
    middles = (levels - widths / 2).detach()
    apart = _quantiles(first, levels_p, middles) - _quantiles(second, levels_q, middles)
    return (widths * apart.abs() ** order).sum() ** (1 / order)


def _steps(places: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """The places in order, and the distribution function at each, 1 at the last."""
    ordered, order = places.double().sort()
    below = shares.double()[order].cumsum(0)
    return ordered, below / below[-1]


def _quantiles(places: Tensor, levels: Tensor, wanted: Tensor) -> Tensor:
    return places[torch.searchsorted(levels.detach(), wanted).clamp(max=len(places) - 1)]


def quantile_wasserstein(
    quantiles_p: Callable[[Tensor], Tensor], quantiles_q: Callable[[Tensor], Tensor], order: float
) -> Tensor:
    """``W_r`` from quantile functions, of levels of any shape in (0, 1).

    Differentiable by the tensors in the functions, where it is not 0.

    Returns:
        Scalar, float64, to about 8 digits.

    Raises:
        InputError: if r is below 1, or if the integral does not settle, as where a moment of order
            r is infinite.
    """
    _check_order(order)

    def cost(levels: Tensor) -> Tensor:
        return (quantiles_p(levels) - quantiles_q(levels)).abs() ** order

    line = Line([0.0, 0.5, 1.0], low_is_infinite=False, high_is_infinite=False)
    mesh = adaptive_mesh(line, lambda levels: cost(levels)[None])
    return mesh.integrate(cost(mesh.points)) ** (1 / order)


def density_wasserstein1(p: Density, q: Density) -> Tensor:
    """``W_1`` between two densities, the integral of ``|F - G|``.

    Differentiable by the tensors in the densities.

    Returns:
        Scalar, float64, to about 9 digits.

    Raises:
        InputError: if a density does not integrate to 1, or if a mean is infinite.
    """
    mesh = transport_mesh(p, q)
    return mesh.integrate(distribution_difference(p, q, mesh).abs())


def transport_mesh(p: Density, q: Density) -> Mesh:
    """A mesh on which ``|F - G|`` can be integrated, fine where F and G cross.

    Raises:
        InputError: if a density does not integrate to 1, or if a mean is infinite.
    """
    line = common_line(p, q)
    middle = float(line.places.mean())

    def spread(points: Tensor) -> Tensor:
        return (points - middle).abs() * (p.log(points).exp() + q.log(points).exp())

    mesh = common_mesh(p, q, spread)
    with torch.no_grad():
        total = float(mesh.integrate(distribution_difference(p, q, mesh).abs()))
    return split_at_sign_changes(
        line, mesh, lambda finer: distribution_difference(p, q, finer), _SIGN_CHANGE * total
    )


def distribution_difference(p: Density, q: Density, mesh: Mesh) -> Tensor:
    """``F - G`` at a mesh's points ``[N, M]``, summed from the side on which there is less."""
    first, second = p.log(mesh.points).exp(), q.log(mesh.points).exp()
    below = mesh.integrate_below(first - second)
    above = mesh.integrate_above(first - second)
    mass = (first + second).detach()
    return torch.where(mesh.integrate_below(mass) < mesh.integrate_above(mass), below, -above)


def _check_order(order: float) -> None:
    if not (math.isfinite(order) and order >= 1):
        raise InputError(f"the order of a Wasserstein distance must be at least 1, not {order}")
