"""Relativistic objectives: real data should be more realistic than generated data."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.losses.base import ComparativeLoss, LossTerms, PointwiseLoss


class LogitComparison(ABC):
    """How two batches of logits are set against each other."""

    @abstractmethod
    def terms(self, loss: PointwiseLoss, real: Tensor, fake: Tensor) -> LossTerms:
        """The terms of a discriminator that wants the first batch above the second.

        Args:
            loss: gives the costs of differences of logits.
            real: logits ``[B]`` that should be the higher ones.
            fake: logits ``[B']`` that should be the lower ones.

        Returns:
            The scalar terms ``"real"`` and ``"fake"``.
        """


@dataclass(frozen=True)
class PairedComparison(LogitComparison):
    """Compare the i-th real sample with the i-th generated one: RpGAN.

    Jolicoeur-Martineau (2018, arXiv:1807.00734), section 4: with ``d = D(x_r) - D(x_f)`` the
    discriminator pays ``E f1(d) + E f2(-d)``. Departure: half of it, which where
    ``f1(d) = f2(-d)`` (logistic, hinge, least squares with targets -1 and 1) is the single term
    ``E f1(d)`` that the paper trains with.

    Raises:
        InputError: if the batches differ in size.
    """

    def terms(self, loss: PointwiseLoss, real: Tensor, fake: Tensor) -> LossTerms:
        """Half the mean costs of the differences and of their negatives."""
        if len(real) != len(fake):
            raise InputError(
                "a paired comparison needs as many real as generated logits, not "
                f"{len(real)} and {len(fake)}"
            )
        return {
            "real": loss.real_cost(real - fake).mean() / 2,
            "fake": loss.fake_cost(fake - real).mean() / 2,
        }


@dataclass(frozen=True)
class AverageComparison(LogitComparison):
    """Compare each sample with the mean of the other batch: RaGAN.

    Jolicoeur-Martineau (2018, arXiv:1807.00734), section 4: the discriminator pays
    ``E f1(D(x_r) - E D(x_f)) + E f2(D(x_f) - E D(x_r))``, with means of the batch for the inner
    expectations, through which gradients flow.
    """

    def terms(self, loss: PointwiseLoss, real: Tensor, fake: Tensor) -> LossTerms:
        """The mean costs of the distances from the other batch's mean."""
        return {
            "real": loss.real_cost(real - fake.mean()).mean(),
            "fake": loss.fake_cost(fake - real.mean()).mean(),
        }


@defaults_from("loss/relativistic")
class Relativistic(ComparativeLoss):
    """Score differences of logits with the discriminator's costs of another objective.

    Jolicoeur-Martineau (2018, arXiv:1807.00734). The generator pays what the discriminator would
    with real and generated data exchanged (the paper's ``g1 = f2`` and ``g2 = f1``), so its
    gradient depends on real data too. The generator's cost of ``loss`` is not used. With the
    Wasserstein costs and pairs this is the game of WGAN.

    Args:
        loss: gives ``f1`` (``real_cost``) and ``f2`` (``fake_cost``). The paper's least squares
            have the targets 1 and -1.
        comparison: of pairs, or with means.

    Raises:
        InputError: if loss has no costs of single logits; while training, what the comparison says.
    """

    def __init__(
        self, *, loss: PointwiseLoss = FROM_CONFIG, comparison: LogitComparison = FROM_CONFIG
    ) -> None:
        super().__init__()
        if not isinstance(loss, PointwiseLoss):
            raise InputError(
                f"a relativistic loss needs costs of single logits, and {type(loss).__name__} has "
                "none: choose minimax, hinge, least_squares or wasserstein"
            )
        self.loss = loss
        self.comparison = comparison
        self.expects_logits = loss.expects_logits

    def discriminator_terms(self, real: Tensor, fake: Tensor) -> LossTerms:
        """The terms of the comparison."""
        return self.comparison.terms(self.loss, real, fake)

    def generator_term(self, real: Tensor, fake: Tensor) -> Tensor:
        """The sum of the comparison's terms with the batches exchanged."""
        exchanged = self.comparison.terms(self.loss, fake, real)
        return exchanged["real"] + exchanged["fake"]
