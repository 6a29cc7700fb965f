"""The objective of MMD-GAN, attractive or repulsive."""

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.losses.base import ComparativeLoss, LossTerms
from ganzoo.losses.kernels import Kernel, mean_between, mean_within


@defaults_from("loss/maximum_mean_discrepancy")
class MaximumMeanDiscrepancy(ComparativeLoss):
    """Compare real and generated data by a kernel of their logits, over all pairs.

    Li et al. (2017, arXiv:1705.08584): the generator pays the squared discrepancy
    ``E k(x, x') - 2 E k(x, y) + E k(y, y')`` of logits x of real and y of generated data, and the
    discriminator gains it. Wang et al. (2019, arXiv:1812.09916) let the discriminator pay
    ``r E k(x, x') - (r - 1) E k(x, y) - E k(y, y')``: -1 is MMD-GAN's game, and 1 is their
    repulsive loss, with which the discriminator spreads real data out, to see their details, and
    draws generated data together. The means leave out pairs of a sample with itself, so the
    estimate has no bias.

    Departures: the embedding is the discriminator's logit, of one dimension, where the papers
    have 16 or more. MMD-GAN's auto-encoder and weight clipping are left out, and so are Wang et
    al.'s bounded kernel and the inner product that Binkowski et al. (2018, arXiv:1801.01401) add
    to their rational kernels: choose a penalty, or spectral normalisation, with it. Mixed pairs
    are all of them; Wang et al.'s code leaves out those of equal place in the batch.

    Args:
        kernel: of the difference of two logits.
        repulsion: ``r``, from -1 (attractive) to 1 (repulsive).

    Raises:
        InputError: if repulsion is outside [-1, 1] or NaN; while training, if a batch has fewer
            than two samples.
    """

    def __init__(self, *, kernel: Kernel = FROM_CONFIG, repulsion: float = FROM_CONFIG) -> None:
        super().__init__()
        if not -1 <= repulsion <= 1:
            raise InputError(f"repulsion must be between -1 and 1, not {repulsion}")
        self.kernel = kernel
        self.repulsion = repulsion

    def discriminator_terms(self, real: Tensor, fake: Tensor) -> LossTerms:
        """The weighted means over pairs of real, of generated and of mixed data (``"cross"``)."""
        return {
            "real": self.repulsion * mean_within(self.kernel, real),
            "fake": -mean_within(self.kernel, fake),
            "cross": (1 - self.repulsion) * mean_between(self.kernel, real, fake),
        }

    def generator_term(self, real: Tensor, fake: Tensor) -> Tensor:
        """The squared discrepancy, which may be slightly negative."""
        within = mean_within(self.kernel, real) + mean_within(self.kernel, fake)
        return within - 2 * mean_between(self.kernel, real, fake)
