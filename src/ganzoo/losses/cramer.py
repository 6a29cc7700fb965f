"""The objective of Cramer GAN."""

from torch import Tensor

from ganzoo.losses.base import ComparativeLoss, LossTerms
from ganzoo.losses.kernels import NegativeDistance, mean_between, mean_within


class Cramer(ComparativeLoss):
    """Let the generator minimise the energy distance of logits, and the critic an estimate of it.

    Bellemare et al. (2017, arXiv:1705.10743), Algorithm 1: with logits h, the generator pays
    ``2 E|h(x) - h(y)| - E|h(y) - h(y')|`` for real x and generated y, y', the energy distance up
    to what it cannot change. Gradients of samples of it have no bias, which those of the
    Wasserstein distance have. The critic gains ``E f(x) - E f(y)``, where
    ``f(x) = E|h(x) - h(y')| - |h(x)|`` takes one point, 0, for the second sample of real data.

    Departures: the means are over all pairs of a batch, not over one further generated sample for
    each; h is the discriminator's logit, of one dimension where the paper has 256; a gradient
    penalty, which the paper applies to f, applies to the logit h. Without any penalty the game has
    no bound.

    Raises:
        InputError: while training, if a batch has fewer than two samples.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kernel = NegativeDistance()

    def discriminator_terms(self, real: Tensor, fake: Tensor) -> LossTerms:
        """Minus the mean of f over real data, and its mean over generated data."""
        return {
            "real": mean_between(self._kernel, real, fake) + real.abs().mean(),
            "fake": -mean_within(self._kernel, fake) - fake.abs().mean(),
        }

    def generator_term(self, real: Tensor, fake: Tensor) -> Tensor:
        """The energy distance without the distances within real data."""
        within = mean_within(self._kernel, fake)
        return within - 2 * mean_between(self._kernel, real, fake)
