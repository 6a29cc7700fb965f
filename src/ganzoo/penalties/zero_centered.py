"""Zero-centred gradient penalties, on real data (R1) or on generated data (R2)."""

from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Discriminator, Penalty
from ganzoo.penalties.gradients import input_gradients


@defaults_from("penalty/r1")
class R1(Penalty):
    """Flatten the discriminator on real data: ``E ||grad D(x)||^2 / 2``.

    Mescheder et al. (2018, arXiv:1801.04406), equation 9, where the weight is called gamma. The
    factor 1/2 is the paper's; the authors' code leaves it out, so that its weights count twice.
    """

    looks_at_fake = False

    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Average half the squared gradient norm over the real batch; fake is not used."""
        return half_mean_square(input_gradients(discriminator, real))


@defaults_from("penalty/r2")
class R2(Penalty):
    """Flatten the discriminator on generated data: ``E ||grad D(G(z))||^2 / 2``.

    Mescheder et al. (2018, arXiv:1801.04406), equation 10, with the factor 1/2 as in :class:`R1`.
    """

    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Average half the squared gradient norm over the generated batch; real is not used."""
        return half_mean_square(input_gradients(discriminator, fake))


def half_mean_square(gradients: Tensor) -> Tensor:
    """Halve the batch's mean squared norm of gradients ``[B, N]``: a scalar."""
    return gradients.square().sum(dim=1).mean() / 2
