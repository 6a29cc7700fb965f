"""The objective of Fisher GAN."""

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.losses.base import AdaptiveLoss, LossTerms
from ganzoo.precision import at_least_float32
from ganzoo.strategies.across_devices import mean_across_devices


@defaults_from("loss/fisher")
class Fisher(AdaptiveLoss):
    """Compare mean scores, in units of their spread over real and generated data.

    Mroueh and Sercu (2017, arXiv:1705.09675), Algorithm 1. The critic maximises
    ``E f(x) - E f(y)`` under the constraint ``w = E f(x)^2 / 2 + E f(y)^2 / 2 = 1``, kept by an
    augmented Lagrangian: it pays ``E f(y) - E f(x) - l (1 - w) + r/2 (w - 1)^2``, and after each of
    its updates the multiplier l grows by ``r (w - 1)``. At the best critic the difference of
    means is the chi-squared distance of the two distributions, the square root of the integral of
    ``(p - q)^2 / ((p + q)/2)``, as the paper shows, without any bound on gradients. The
    generator pays ``-E f(y)``.

    The multiplier is a buffer, 0 at first; it stays as it is where w is not finite.

    Args:
        rho: ``r``, both the weight of the quadratic term and the multiplier's rate; positive.

    Raises:
        InputError: if rho is not a positive number.
    """

    multiplier: Tensor

    def __init__(self, *, rho: float = FROM_CONFIG) -> None:
        super().__init__()
        check_positive(rho=rho)
        self.rho = rho
        self.register_buffer("multiplier", torch.zeros(()))

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """The mean scores and the ``"constraint"``."""
        real, fake = at_least_float32(real), at_least_float32(fake)
        excess = _excess(real, fake)
        constraint = self.multiplier.clone() * excess + self.rho / 2 * excess.square()
        return {"real": -real.mean(), "fake": fake.mean(), "constraint": constraint}

    def generator(self, fake: Tensor) -> LossTerms:
        """Minus the mean score of generated data."""
        return {"adversarial": -at_least_float32(fake).mean()}

    @torch.no_grad()
    def adapt(self, real: Tensor, fake: Tensor) -> None:
        """Update the multiplier."""
        (excess,) = mean_across_devices([_excess(at_least_float32(real), at_least_float32(fake))])
        self.multiplier += self.rho * torch.where(excess.isfinite(), excess, 0)


def _excess(real: Tensor, fake: Tensor) -> Tensor:
    """How far the mean square of the scores lies above 1."""
    return (real.square().mean() + fake.square().mean()) / 2 - 1
