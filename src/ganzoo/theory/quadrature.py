"""Integrals over the line, on panels that are halved where the integrand asks for it.

Gauss-Legendre quadrature (Davis and Rabinowitz 1984, Methods of Numerical Integration, chapters 2
and 6). The panels are found without gradients; integrals are then sums over fixed points, so that
autograd differentiates under the integral sign.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

from ganzoo.errors import InputError

_NODES = 16
_TOLERANCE = 1e-11  # of a panel, relative to the integral
_SMALLEST = 1e-15  # what may always be left over, for integrals that are themselves rounding error
_BLUR = 5e-16  # of a panel's own integral, by points in units of the panel's width
_NEARBY = 1e-3  # how far apart, of all of it, marks must be to give the scale beyond them
_LEVELS = 40
_MOST_PANELS = 20_000


class Line:
    """An interval or the whole line, mapped from ``t`` so that marks are whole numbers.

    Between marks the map is linear; beyond the outer ones, where the line is infinite,
    ``x = mark + s u/(1 - u)`` with ``u`` in [0, 1) and s the distance to a mark nearby.

    Args:
        marks: where an integrand may have kinks, jumps or narrow peaks; at least two different
            finite numbers, of which the smallest and the largest end an interval.
        low_is_infinite: whether the line goes on below the smallest mark.
        high_is_infinite: whether it goes on above the largest.

    Raises:
        InputError: if there are fewer than two different marks, or one is not finite.
    """

    def __init__(self, marks: list[float], low_is_infinite: bool, high_is_infinite: bool) -> None:
        places = sorted(set(marks))
        if len(places) < 2 or not all(map(math.isfinite, places)):
            raise InputError(
                f"an integral needs at least two different finite marks, not {marks[:8]}"
            )
        self.places = torch.tensor(places, dtype=torch.float64)
        span = self.places - self.places[:1], self.places[-1:] - self.places
        self.reach = [float(apart[apart >= _NEARBY * apart.max()].min()) for apart in span]
        self.first = -1 if low_is_infinite else 0
        self.last = len(places) if high_is_infinite else len(places) - 1

    def panels(self) -> Tensor:
        """The panels to begin with ``[N, 2]``, in t: four between each two marks."""
        ends = torch.arange(4 * self.first, 4 * self.last + 1, dtype=torch.float64) / 4
        return torch.stack([ends[:-1], ends[1:]], dim=-1)

    def at(self, panels: Tensor) -> "Mesh":
        """The points and weights of panels ``[N, 2]``."""
        nodes, weights, _ = _rule()
        half = panels.diff(dim=-1) / 2
        t = panels.mean(-1, keepdim=True) + half * nodes
        points, slopes = self._map(t, panels.mean(-1, keepdim=True).floor())
        return Mesh(panels, points, half * weights * slopes)

    def _map(self, t: Tensor, segment: Tensor) -> tuple[Tensor, Tensor]:
        inner = segment.long().clamp(0, len(self.places) - 2)
        gap = self.places.diff()[inner]
        low, high = segment < 0, segment > len(self.places) - 2
        points = self.places[inner] + (t - inner) * gap
        tail = torch.where(low, -t, t - (len(self.places) - 1)).masked_fill(~(low | high), 0)
        rest = (1 - tail).clamp(min=1e-15)
        below, above = self.reach
        scale = torch.full_like(gap, above).masked_fill(low, below)
        points = torch.where(low, self.places[0] - scale * tail / rest, points)
        points = torch.where(high, self.places[-1] + scale * tail / rest, points)
        return points, torch.where(low | high, scale / rest.square(), gap)


@dataclass(frozen=True)
class Mesh:
    """Points of quadrature, in rising order.

    Attributes:
        panels: ``[N, 2]``, the ends of each panel in t.
        points: ``[N, M]``, x.
        weights: ``[N, M]``, such that integrals are weighted sums of values at the points.
    """

    panels: Tensor
    points: Tensor
    weights: Tensor

    @property
    def blur(self) -> Tensor:
        """What rounding of the points may change of each panel's integral ``[N]``, of 1."""
        return _BLUR * self.points.abs().amax(-1) / (self.points[:, -1] - self.points[:, 0])

    def integrate(self, values: Tensor) -> Tensor:
        """The integral of values ``[..., N, M]`` at the points, ``[...]``."""
        return (values * self.weights).sum((-2, -1))

    def integrate_below(self, values: Tensor) -> Tensor:
        """The integral of values ``[N, M]`` from the line's low end to each point, ``[N, M]``."""
        _, weights, partial = _rule()
        masses = values * self.weights
        totals = masses.sum(-1, keepdim=True)
        return totals.cumsum(0) - totals + (masses / weights) @ partial.T

    def integrate_above(self, values: Tensor) -> Tensor:
        """The integral from each point to the line's high end, exact where that is small."""
        _, weights, partial = _rule()
        masses = values * self.weights
        totals = masses.sum(-1, keepdim=True)
        after = totals.flip(0).cumsum(0).flip(0) - totals
        return after + (masses / weights) @ (weights - partial).T


def adaptive_mesh(line: Line, integrands: Callable[[Tensor], Tensor]) -> Mesh:
    """Find a mesh that integrates some functions to about 10 digits.

    A panel is halved until that changes none of its integrals by more than 1e-11 of the integral of
    absolute values, or than rounding of the points does. An integrand that is infinite at a point
    has no say, as its integral is infinite too.

    Args:
        line: where to integrate.
        integrands: from points ``[N, M]`` to values ``[K, N, M]``.

    Raises:
        InputError: if an integrand is NaN, or if integrals do not settle, as they do not where
            they are infinite without the integrand's being so.
    """
    with torch.no_grad():
        panels, done = line.panels(), []
        sums = _sums(line.at(panels), integrands)
        finite = sums.isfinite().all(-1)
        finished = torch.zeros(len(sums), dtype=torch.float64)
        for _ in range(_LEVELS):
            halves = _halves(panels)
            mesh = line.at(halves)
            parts = _sums(mesh, integrands).view(len(sums), -1, 2)
            finite &= parts.isfinite().all(-1).all(-1)
            change = (parts.sum(-1) - sums).abs()
            scale = finished + parts.sum(-1).abs().sum(-1)
            rounding = (parts.abs() * mesh.blur.view(-1, 2)).sum(-1)
            large = change > _TOLERANCE * scale[:, None] + rounding + _SMALLEST
            left = large[finite].any(0)
            done.append(halves.view(-1, 2, 2)[~left].view(-1, 2))
            finished += parts[:, ~left].abs().sum((-2, -1))
            panels = halves.view(-1, 2, 2)[left].view(-1, 2)
            sums = parts[:, left].flatten(1)
            if not len(panels):
                return line.at(_ordered(torch.cat(done)))
            if sum(map(len, done)) + len(panels) > _MOST_PANELS:
                break
    raise InputError(
        "an integral does not settle: it is infinite, or its integrand needs marks where it jumps "
        f"or peaks, as near x = {float(line.at(panels[-1:]).points.mean()):.4g}"
    )


def split_at_sign_changes(
    line: Line, mesh: Mesh, function: Callable[[Mesh], Tensor], smallest: float
) -> Mesh:
    """Halve the panels in which a function changes its sign, until little lies in them.

    Args:
        line: the mesh's line.
        mesh: to begin with.
        function: from a mesh to values ``[N, M]`` at its points.
        smallest: the integral of absolute values over a panel from which it is halved again.
    """
    with torch.no_grad():
        for _ in range(_LEVELS):
            values = function(mesh)
            inside = (values.abs() * mesh.weights).sum(-1)
            split = _has_sign_change(values) & (inside > smallest)
            if not bool(split.any()) or len(mesh.panels) > _MOST_PANELS:
                break
            panels = torch.cat([mesh.panels[~split], _halves(mesh.panels[split])])
            mesh = line.at(_ordered(panels))
    return mesh


def _has_sign_change(values: Tensor) -> Tensor:
    """Which panels ``[N]`` of values ``[N, M]`` have a change inside or up to a neighbour."""
    edges = torch.nn.functional.pad(values[:-1, -1:] * values[1:, :1] < 0, (0, 0, 1, 1)).squeeze(1)
    return (values.amin(-1) < 0) & (values.amax(-1) > 0) | edges[:-1] | edges[1:]


def _halves(panels: Tensor) -> Tensor:
    low, high = panels.unbind(-1)
    middle = (low + high) / 2
    return torch.stack([low, middle, middle, high], -1).view(-1, 2)


def _ordered(panels: Tensor) -> Tensor:
    return panels[panels[:, 0].argsort()]


def _sums(mesh: Mesh, integrands: Callable[[Tensor], Tensor]) -> Tensor:
    """The integrals ``[K, N]`` over each panel."""
    values = integrands(mesh.points)
    if bool(values.isnan().any()):
        place = mesh.points[values.isnan().any(0)][0]
        raise InputError(f"a density or an integrand is NaN at x = {float(place):.6g}")
    return (values * mesh.weights).sum(-1)


@cache
def _rule() -> tuple[Tensor, Tensor, Tensor]:
    """Nodes ``[M]`` and weights ``[M]`` on (-1, 1), and the integrals below nodes.

    The last, ``[M, M]``, has in row i and column j the integral from -1 to node i of the
    polynomial that is 1 at node j and 0 at the others.
    """
    nodes, weights = legendre.leggauss(_NODES)
    orders = np.arange(_NODES)
    values = legendre.legvander(nodes, _NODES)
    below = np.empty((_NODES, _NODES))  # the integral of each Legendre polynomial up to node i
    below[:, 0] = nodes + 1
    below[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * orders[1:] + 1)
    coefficients = (orders + 0.5)[:, None] * values[:, :-1].T * weights
    return torch.tensor(nodes), torch.tensor(weights), torch.tensor(below @ coefficients)
