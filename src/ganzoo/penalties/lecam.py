"""The regularisation of LeCam GANs, for little data."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.running_mean import RunningMean
from ganzoo.precision import at_least_float32


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
        decay: share of the past in the moving averages, in [0, 1).
        term: see :class:`~ganzoo.penalties.base.Penalty`; lambda in the paper is its
            ``weight``.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(self, *, decay: float = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        self.real_mean = RunningMean(decay=decay)
        self.fake_mean = RunningMean(decay=decay)

    def value(self, context: Context) -> Tensor:
        """Average the squared distances to the averages, which these logits are part of."""
        real, fake = at_least_float32(context.real_logits), at_least_float32(context.fake_logits)
        to_fake = real - self.fake_mean.after(fake.detach())
        to_real = fake - self.real_mean.after(real.detach())
        return to_fake.square().mean() + to_real.square().mean()

    def after_step(self, player: Any) -> None:
        """Update the averages."""
        if player.name == self.on and set(player.logits) == {"real", "fake"}:
            self.real_mean.update(torch.cat(player.logits["real"]))
            self.fake_mean.update(torch.cat(player.logits["fake"]))
