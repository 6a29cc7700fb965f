"""The best critic on the line: the Kantorovich potential between two densities."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.theory.densities import Density
from ganzoo.theory.transport import distribution_difference, transport_mesh

_ROUNDING = 1e-13


@dataclass(frozen=True)
class Potential:
    """A function of the line that is linear between knots, with slopes -1 and 1 (0 if p = q).

    Attributes:
        knots: ``[K]``, in rising order; none where the slope never changes.
        slopes: ``[K + 1]``, left of the first knot, between knots, and right of the last.
        values: ``[K]``, at the knots; 0 at the first. Without knots the value at 0 is 0.
    """

    knots: Tensor
    slopes: Tensor
    values: Tensor

    def __call__(self, points: Tensor) -> Tensor:
        """The critic's scores at points of any shape; differentiable by them."""
        if not len(self.knots):
            return self.slopes[0] * points
        segment = torch.searchsorted(self.knots, points.detach())
        nearest = (segment - 1).clamp(min=0)
        return self.values[nearest] + self.slopes[segment] * (points - self.knots[nearest])


def kantorovich_potential(p: Density, q: Density) -> Potential:
    """The function of slope at most 1 with the largest ``E_p f - E_q f``, which is ``W_1``.

    By parts ``E_p f - E_q f`` is the integral of ``f' (G - F)`` with distribution functions F of p
    and G of q, so that ``f' = sign(G - F)``: the dual of Arjovsky et al. (2017, arXiv:1701.07875),
    equation 2, on the line. Where F = G to rounding any slope up to 1 does as well, and the one
    to the left goes on.

    Args:
        p: density of real data, which gets the higher scores.
        q: density of generated data.

    Raises:
        InputError: if a density does not integrate to 1, or if a mean is infinite.
    """
    with torch.no_grad():
        mesh = transport_mesh(p, q)
        difference = -distribution_difference(p, q, mesh).flatten()
        points = mesh.points.flatten()
        known = difference.abs() > _ROUNDING * difference.abs().max()
        points, difference = points[known], difference[known]
        if not len(points):  # the two are equal
            return Potential(points, torch.zeros(1, dtype=torch.float64), points)
        signs = difference.sign()
        change = (signs.diff() != 0).nonzero().squeeze(1)
        low, high = difference[change].abs(), difference[change + 1].abs()
        knots = points[change] + (points[change + 1] - points[change]) * low / (low + high)
        slopes = signs[torch.cat([change, torch.tensor([len(signs) - 1])])]
        rises = (slopes[1:-1] * knots.diff()).cumsum(0)
        return Potential(knots, slopes, torch.cat([torch.zeros_like(knots[:1]), rises]))
