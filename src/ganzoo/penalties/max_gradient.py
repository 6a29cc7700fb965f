"""The penalty of Lipschitz GANs, on the largest gradient of a batch."""

from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.gradient_penalty import points_between
from ganzoo.penalties.gradients import input_gradients


@defaults_from("penalty/max_gradient")
class MaxGradient(Penalty):
    """Keep the discriminator's Lipschitz constant small: ``max ||grad D(x^)||^2``.

    Zhou et al. (2019, arXiv:1902.05687), named MaxGP there: the Lipschitz constant is the largest
    norm of the gradient anywhere, so the term is on the largest of the batch, over points between
    real and generated data. It bounds every slope without asking any to be 1. A batch is what
    passes through the networks together, on one device: several take the mean of their maxima.

    Departures: the authors' code can also keep the points of the largest gradients for the next
    updates, which is left out (it is off there by default); the factor 1/2 of a weight lambda / 2
    is not taken, as in that code.
    """

    def value(self, context: Context) -> Tensor:
        """Take the largest squared gradient norm at random points between the two batches."""
        gradients = input_gradients(context.score, points_between(context))
        return gradients.square().sum(dim=1).max()
