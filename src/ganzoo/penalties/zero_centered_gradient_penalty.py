"""The gradient penalty that is centred at zero, between real and generated data."""

from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.gradient_penalty import points_between
from ganzoo.penalties.gradients import input_gradients


@defaults_from("penalty/zero_centered_gradient_penalty")
class ZeroCenteredGradientPenalty(Penalty):
    """Flatten the discriminator between real and generated data: ``E ||grad D(x^)||^2``.

    Thanh-Tung et al. (2019, arXiv:1902.03984), named 0-GP there: the points ``x^`` lie on
    straight lines from generated to real samples, as in WGAN-GP. Where R1 and R2 flatten the
    discriminator at the samples alone, which a large network can do while it still jumps between
    them, this leaves it no place for a jump. Batches of different sizes are paired up to the
    smaller one.

    Departures: the gradient is that of the logit; the authors' code takes that of the probability.
    """

    def value(self, context: Context) -> Tensor:
        """Average the squared gradient norm over random points between the two batches."""
        gradients = input_gradients(context.score, points_between(context))
        return gradients.square().sum(dim=1).mean()
