"""The regularisation of LeCam GANs, for little data."""

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Discriminator, Penalty
from ganzoo.penalties.running_mean import RunningMean


@defaults_from("penalty/lecam")
class LeCam(Penalty):
    """Draw each logit to the mean of the other side: ``E (D(x) - a_F)^2 + E (D(G(z)) - a_R)^2``.

    Tseng et al. (2021, arXiv:2104.03310): ``a_R`` and ``a_F`` are exponential moving averages of
    the logits of real and of generated data. Their proposition 1: with the Wasserstein loss and
    constant ``a_R = -a_F = a``, the optimal discriminator leaves the generator the LeCam divergence
    ``sum (p - q)^2 / (p + q)`` times ``1 / (2 weight) - a`` to minimise, an f-divergence that stays
    bounded where the distributions do not overlap.

    Departures: the squares of the paper's equation; the authors' code squares only what exceeds
    ``a_F`` on real and falls below ``a_R`` on generated data. The means start from the first
    batch, and the term acts from the start; their code can wait for a number of updates.

    Args:
        weight: lambda in the paper, at least 0.
        interval: see :class:`Penalty`.
        decay: share of the past in the moving averages, in [0, 1).

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        decay: float = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        self.real_mean = RunningMean(decay=decay)
        self.fake_mean = RunningMean(decay=decay)

    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Move the averages on, then average the squared distances to them."""
        real_logits, fake_logits = discriminator(real), discriminator(fake)
        to_fake: Tensor = real_logits - self.fake_mean(fake_logits)
        to_real: Tensor = fake_logits - self.real_mean(real_logits)
        return to_fake.square().mean() + to_real.square().mean()
