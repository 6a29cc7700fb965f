"""What the best discriminator tells the generator: its gradient by a shift of all its samples."""

from collections.abc import Callable
from dataclasses import replace
from functools import singledispatch

import torch
from torch import Tensor

from ganzoo.losses import PointwiseLoss, Wasserstein
from ganzoo.theory.densities import Density, common_mesh, normal
from ganzoo.theory.equilibrium import optimal_output
from ganzoo.theory.potential import Potential, kantorovich_potential


@singledispatch
def best_discriminator(loss: PointwiseLoss, p: Density, q: Density) -> Callable[[Tensor], Tensor]:
    """The best discriminator of a loss on the line, or for Wasserstein the best critic.

    Args:
        loss: with a closed form in :func:`~ganzoo.theory.equilibrium.optimal_output`, or
            Wasserstein.
        p: density of real data.
        q: density of generated data.

    Returns:
        A function from points of any shape to outputs, differentiable by the points.

    Raises:
        InputError: if no closed form is known.
    """
    return lambda points: optimal_output(loss, p.log(points), q.log(points))


@best_discriminator.register
def _(loss: Wasserstein, p: Density, q: Density) -> Callable[[Tensor], Tensor]:
    return kantorovich_potential(p, q)


def shift_gradient(loss: PointwiseLoss, p: Density, q: Density) -> Tensor:
    """The gradient of the generator's loss by a shift of q, against the best discriminator.

    The discriminator stands still, best for p and q as they are, so that this is the integral of
    ``q(x) d/dx generator_cost(v(x))``. Minimax: the gradient of ``2 JS``, which vanishes as the two
    move apart. NonSaturating: that of ``KL(q || p) - 2 JS``, which does not: Arjovsky and Bottou
    (2017, arXiv:1701.04862), theorem 2.5. Wasserstein: that of the Wasserstein-1 distance. Hinge:
    0, as its best discriminator is flat wherever it is not at a jump.

    Args:
        loss: as of :func:`best_discriminator`.
        p: density of real data, positive wherever q is.
        q: density of generated data.

    Returns:
        Scalar, float64, without a graph.

    Raises:
        InputError: if no best discriminator is known, or the integral does not settle.
    """
    discriminator = best_discriminator(loss, p, q)

    def integrand(points: Tensor) -> Tensor:
        with torch.enable_grad():
            places = points.detach().requires_grad_()
            # The second term is for a discriminator that no point has a say in.
            costs = loss.generator_cost(discriminator(places)) + 0 * places
            (slopes,) = torch.autograd.grad(costs.sum(), places)
        mass = q.log(points).detach().exp()
        return mass * slopes.masked_fill(mass == 0, 0)

    if isinstance(discriminator, Potential):  # its slope jumps
        q = replace(q, marks=(*q.marks, *discriminator.knots.tolist()))
    mesh = common_mesh(p, q, integrand)
    return mesh.integrate(integrand(mesh.points))


def location_gradients(loss: PointwiseLoss, distances: Tensor, deviation: float) -> Tensor:
    """:func:`shift_gradient` of ``N(theta, deviation^2)`` towards ``N(0, deviation^2)``.

    Args:
        loss: as of :func:`best_discriminator`.
        distances: values of theta, any shape.
        deviation: of both, positive.

    Returns:
        The shape of the distances, float64. Positive where descent brings theta > 0 down.

    Raises:
        InputError: if the deviation is not positive, or no best discriminator is known.
    """
    real = normal(0.0, deviation)
    values = [shift_gradient(loss, real, normal(place, deviation)) for place in distances.flatten()]
    return torch.stack(values).view(distances.shape)
