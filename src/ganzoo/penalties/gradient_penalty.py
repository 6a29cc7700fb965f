"""The penalties of WGAN-GP and WGAN-LP, on lines between real and generated data."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.gradients import gradient_norms


@defaults_from("penalty/gradient_penalty")
class GradientPenalty(Penalty):
    """Hold the norm of the critic's gradient at 1: ``E (||grad D(x^)|| - 1)^2``.

    Gulrajani et al. (2017, arXiv:1704.00028), equation 3 and algorithm 1. The points
    ``x^ = alpha x + (1 - alpha) G(z)`` lie on the segments between pairs of real and generated
    samples, with one ``alpha`` from U[0, 1] for each pair. The norm is taken over all axes of a
    sample; where samples are packed, points and norms are those of packs. Batches of different
    sizes are paired up to the smaller one.
    """

    def value(self, context: Context) -> Tensor:
        """Average the squared violation over random points between the two batches."""
        norms = gradient_norms(context.score, points_between(context))
        return self.violation(norms).square().mean()

    def violation(self, norms: Tensor) -> Tensor:
        """Tell how far each gradient norm ``[B]`` lies from 1."""
        return norms - 1


@defaults_from("penalty/one_sided_gradient_penalty")
class OneSidedGradientPenalty(GradientPenalty):
    """Hold the norm of the critic's gradient at 1 or below: ``E max(0, ||grad D(x^)|| - 1)^2``.

    The Lipschitz penalty of WGAN-LP (Petzka et al., 2018, arXiv:1709.08894), which
    Gulrajani et al. (2017, arXiv:1704.00028, section 4) call one-sided. The points are those of
    :class:`GradientPenalty`.
    """

    def violation(self, norms: Tensor) -> Tensor:
        """Tell how far each gradient norm ``[B]`` lies above 1."""
        return functional.relu(norms - 1)


def interpolate(real: Tensor, fake: Tensor, packing: int = 1) -> Tensor:
    """Draw one uniform point on the segment between each real sample and its generated partner.

    Args:
        real: real data ``[B, ...]``.
        fake: generated data ``[B', ...]``.
        packing: samples that are judged together, which have their ``alpha`` in common.

    Returns:
        Points ``[min(B, B'), ...]``.
    """
    count = min(len(real), len(fake))
    shape = [count // packing] + [1] * (real.dim() - 1)
    alpha = torch.rand(shape, device=real.device, dtype=real.dtype).repeat_interleave(packing, 0)
    return alpha * real[:count] + (1 - alpha) * fake[:count]


def points_between(context: Context) -> Tensor:
    """Draw such points between the real and the generated data of a step."""
    return interpolate(context.points("real"), context.points("fake"), context.packing)
