"""The objective of BEGAN."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.losses.base import AdaptiveLoss, LossTerms
from ganzoo.precision import at_least_float32
from ganzoo.strategies.across_devices import mean_across_devices


@defaults_from("loss/boundary_equilibrium")
class BoundaryEquilibrium(AdaptiveLoss):
    """Keep the energy of generated data at a set ratio to that of real data.

    Berthelot et al. (2017, arXiv:1703.10717), sections 3.3 and 3.4. With energies ``L`` the
    discriminator pays ``L(x) - k L(G(z))`` and the generator ``L(G(z))``, and

        k <- k + lambda (gamma L(x) - L(G(z))), kept between 0 and 1,

    after each update of the discriminator: where generated data are too easily told from real
    ones, their energies too high, it is made to care less for them. In equilibrium
    ``E L(G(z)) = gamma E L(x)``.

    k is the buffer ``emphasis``, 0 at first; it stays as it is where the energies are not finite.
    Departures: the energy is ``softplus(-logit)``, which is the reconstruction error where the
    discriminator is ``ganzoo.networks.autoencoder``'s (with others it is merely never negative);
    k follows the generated data of the discriminator's step, not those of the generator's.

    Args:
        diversity_ratio: ``gamma``, positive, in the paper between 0 and 1; lower values weigh
            quality above variety.
        gain: ``lambda``, the rate of k; positive.

    Raises:
        InputError: if a number is not positive.
    """

    expects_logits = True
    emphasis: Tensor

    def __init__(self, *, diversity_ratio: float = FROM_CONFIG, gain: float = FROM_CONFIG) -> None:
        super().__init__()
        check_positive(diversity_ratio=diversity_ratio, gain=gain)
        self.diversity_ratio, self.gain = diversity_ratio, gain
        self.register_buffer("emphasis", torch.zeros(()))

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """The energy of real data and minus k times that of generated data."""
        real_energy, fake_energy = energy(real), energy(fake)
        return {"real": real_energy, "fake": -self.emphasis.clone() * fake_energy}

    def generator(self, fake: Tensor) -> LossTerms:
        """The energy of generated data."""
        return {"adversarial": energy(fake)}

    @torch.no_grad()
    def adapt(self, real: Tensor, fake: Tensor) -> None:
        """Update k."""
        (excess,) = mean_across_devices([self.diversity_ratio * energy(real) - energy(fake)])
        step = self.gain * torch.where(excess.isfinite(), excess, 0)
        self.emphasis.add_(step).clamp_(0, 1)


def energy(logits: Tensor) -> Tensor:
    """The mean over the batch of ``softplus(-logit)``, in float32 or better."""
    return functional.softplus(-at_least_float32(logits)).mean()
