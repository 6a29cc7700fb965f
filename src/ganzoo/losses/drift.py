"""A term that keeps the critic's scores near zero."""

from collections.abc import Callable

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.losses.base import AdversarialLoss, LossTerms
from ganzoo.losses.own import as_loss
from ganzoo.precision import at_least_float32


@defaults_from("loss/wasserstein_drift")
class Drift(AdversarialLoss):
    """Add ``weight * E D(x)^2`` over real data to the discriminator's part of another objective.

    Karras et al. (2018, arXiv:1710.10196), appendix A.1: an objective of differences of scores,
    as that of WGAN, leaves their mean free, and a small term keeps it from drifting away. The
    paper's weight is 0.001.

    Args:
        loss: the objective.
        weight: factor of the term, at least 0.

    Raises:
        InputError: if weight is negative or not finite.
    """

    def __init__(self, *, loss: AdversarialLoss = FROM_CONFIG, weight: float = FROM_CONFIG) -> None:
        super().__init__()
        check_not_negative(weight=weight)
        self.loss = as_loss(loss)
        self.expects_logits = self.loss.expects_logits
        self.weight = weight

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """The objective's terms and ``"drift"``."""
        drift = self.weight * at_least_float32(real).square().mean()
        return self.loss.discriminator(real, fake) | {"drift": drift}

    def generator(self, fake: Tensor) -> LossTerms:
        """The objective's term."""
        return self.loss.generator(fake)

    def generator_against(self, fake: Tensor, real: Callable[[], Tensor]) -> LossTerms:
        """The objective's term."""
        return self.loss.generator_against(fake, real)
