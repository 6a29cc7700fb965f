"""The objective of WGAN and its descendants."""

from torch import Tensor

from ganzoo.losses.base import PointwiseLoss


class Wasserstein(PointwiseLoss):
    """Compare the critic's mean scores of real and of generated data.

    Arjovsky et al. (2017, arXiv:1701.07875), algorithm 1: the critic pays ``E f(G(z)) - E f(x)``
    and the generator ``-E f(G(z))`` (the paper ascends what is descended here). Minus the
    critic's loss estimates the Wasserstein-1 distance, times the critic's Lipschitz constant,
    only while something keeps that constant bounded: weight clipping or a gradient penalty. This
    objective does neither.
    """

    def real_cost(self, logits: Tensor) -> Tensor:
        """Minus the score of real data."""
        return -logits

    def fake_cost(self, logits: Tensor) -> Tensor:
        """The score of generated data."""
        return logits

    def generator_cost(self, logits: Tensor) -> Tensor:
        """Minus the score of generated data."""
        return -logits
