"""The hinge objective of geometric GAN, SNGAN, SAGAN and BigGAN."""

from torch import Tensor
from torch.nn import functional

from ganzoo.losses.base import PointwiseLoss


class Hinge(PointwiseLoss):
    """Ask the discriminator for a margin of 1 on either side of 0, and no more.

    Lim and Ye (2017, arXiv:1705.02894), in the form of Miyato et al. (2018, arXiv:1802.05957),
    equations 16 and 17, with their signs turned so that both players minimise: the
    discriminator pays ``E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))`` and the generator
    ``-E D(G(z))``. On the margin itself the subgradient is 0.
    """

    expects_logits = True

    def real_cost(self, logits: Tensor) -> Tensor:
        """How far real data falls short of the score 1."""
        return functional.relu(1 - logits)

    def fake_cost(self, logits: Tensor) -> Tensor:
        """How far generated data rises above the score -1."""
        return functional.relu(1 + logits)

    def generator_cost(self, logits: Tensor) -> Tensor:
        """Minus the score of generated data."""
        return -logits
