"""The margin objective of energy-based GAN."""

from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.losses.base import PointwiseLoss


@defaults_from("loss/energy")
class Energy(PointwiseLoss):
    """Give real data low energy and generated data at least the margin.

    Zhao et al. (2017, arXiv:1609.03126), equations 1 and 2: with energies ``E(x) >= 0`` the
    discriminator pays ``E(x) + max(0, m - E(G(z)))`` and the generator ``E(G(z))``. With the best
    discriminator the first is ``m`` times the integral of ``min(p, q)``, at most m, and it is m
    where generated data are distributed as real ones (the paper's Theorem 1).

    Departures: the energy is ``softplus(-logit)``, never negative and low where the logit is high.
    It is the paper's, an auto-encoder's reconstruction error, where the discriminator is that of
    ``ganzoo.networks.autoencoder``. The pulling-away term compares features inside the
    discriminator, and an objective sees only logits: it is the penalty
    ``ganzoo.penalties.PullingAway``.

    Args:
        margin: ``m``, the energy up to which generated data are pushed; positive.

    Raises:
        InputError: if margin is not a positive number.
    """

    expects_logits = True

    def __init__(self, *, margin: float = FROM_CONFIG) -> None:
        super().__init__()
        check_positive(margin=margin)
        self.margin = margin

    def real_cost(self, logits: Tensor) -> Tensor:
        """The energy."""
        return functional.softplus(-logits)

    def fake_cost(self, logits: Tensor) -> Tensor:
        """How far the energy falls short of the margin."""
        return functional.relu(self.margin - functional.softplus(-logits))

    def generator_cost(self, logits: Tensor) -> Tensor:
        """The energy."""
        return functional.softplus(-logits)
