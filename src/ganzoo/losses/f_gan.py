"""The objective of f-GAN: any f-divergence between real and generated data."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.losses.base import PointwiseLoss
from ganzoo.losses.divergences import Divergence


class GeneratorObjective(ABC):
    """What the generator of f-GAN minimises."""

    @abstractmethod
    def cost(self, divergence: Divergence, logits: Tensor) -> Tensor:
        """What the generator pays for each of its samples, from logits ``[B]`` to ``[B]``."""


@dataclass(frozen=True)
class SaddlePointObjective(GeneratorObjective):
    """``-E f*(T(G(z)))``: the generator minimises what the discriminator maximises.

    Nowozin et al. (2016, arXiv:1606.00709), section 2. Against the best discriminator its
    gradient is that of the divergence, so it fits what the divergence fits; far from the data,
    where the ratio of densities is small, most divergences leave it hardly any gradient.
    """

    def cost(self, divergence: Divergence, logits: Tensor) -> Tensor:
        """Minus the conjugate."""
        return -divergence.conjugate(logits)


@dataclass(frozen=True)
class AlternativeObjective(GeneratorObjective):
    """``-E T(G(z))``: the generator asks to be taken for real data.

    Nowozin et al. (2016, arXiv:1606.00709), section 3.2, after the trick of Goodfellow et al.
    Where generator and data can be equal the game rests at the same point. Where they cannot,
    the best fit is another than the divergence's: with the best T of the Kullback-Leibler
    divergence, ``1 + log p/q``, the gradient is that of the *reverse* Kullback-Leibler
    divergence, which seeks a mode; with that of the reverse one, ``-q/p``, it is half of that of
    Neyman's chi-squared.
    """

    def cost(self, divergence: Divergence, logits: Tensor) -> Tensor:
        """Minus the variational function."""
        return -divergence.activation(logits)


@defaults_from("loss/f_gan")
class FGAN(PointwiseLoss):
    """Estimate an f-divergence from below, and let the generator make it small.

    Nowozin et al. (2016, arXiv:1606.00709), section 2: with ``T(x) = g_f(V(x))`` of the
    discriminator's output V, the discriminator pays ``E f*(T(G(z))) - E T(x)``. Minus its loss is
    a lower bound of the divergence ``D_f(data || generated)``, reached at ``T = f'(p/q)``.

    Departures: the players alternate, where the paper's Algorithm 1 takes one gradient for both.
    Exponentials in conjugates leave float32 beyond a logit of 88 and then stop the run; a penalty
    or a smaller learning rate keeps logits small.

    Args:
        divergence: its output activation and its conjugate.
        generator_objective: what the generator minimises.
    """

    expects_logits = True

    def __init__(
        self,
        *,
        divergence: Divergence = FROM_CONFIG,
        generator_objective: GeneratorObjective = FROM_CONFIG,
    ) -> None:
        super().__init__()
        self.divergence = divergence
        self.generator_objective = generator_objective

    def real_cost(self, logits: Tensor) -> Tensor:
        """Minus the variational function of real data."""
        return -self.divergence.activation(logits)

    def fake_cost(self, logits: Tensor) -> Tensor:
        """The conjugate of the variational function of generated data."""
        return self.divergence.conjugate(logits)

    def generator_cost(self, logits: Tensor) -> Tensor:
        """What the generator's objective says."""
        return self.generator_objective.cost(self.divergence, logits)
