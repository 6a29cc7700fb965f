"""The penalty of DRAGAN, around real data."""

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_positive
from ganzoo.penalties.base import Discriminator, Penalty
from ganzoo.penalties.gradients import gradient_norms


@defaults_from("penalty/dragan")
class DRAGAN(Penalty):
    """Hold the norm of the gradient near real data at a target: ``E (||grad D(x + d)|| - k)^2``.

    Kodali et al. (2017, arXiv:1705.07215). The displacement ``d`` is drawn from ``N(0, c I)``, anew
    for every entry of every sample.

    Departures: ``sqrt(c)`` is given in units of the standard deviation of all entries of the real
    batch, as in the authors' code, so that one number fits images and points. That code moves a
    sample by ``u`` times uniform noise from [0, sqrt(c)), with one ``u`` from U[0, 1] a sample,
    and so only upwards; here the noise is the paper's.

    Args:
        weight: lambda in the paper, at least 0.
        interval: see :class:`Penalty`.
        deviation_scale: the noise's standard deviation over that of the real batch, positive.
        target_norm: ``k``, the gradient norm to hold, at least 0.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    looks_at_fake = False

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        deviation_scale: float = FROM_CONFIG,
        target_norm: float = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        check_positive(deviation_scale=deviation_scale)
        check_not_negative(target_norm=target_norm)
        self.deviation_scale = deviation_scale
        self.target_norm = target_norm

    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Average the squared distance to the target around the real batch; fake is not used."""
        norms = gradient_norms(discriminator, self.perturb(real))
        return (norms - self.target_norm).square().mean()

    def perturb(self, real: Tensor) -> Tensor:
        """Move each real sample ``[B, ...]`` by Gaussian noise of the local region's size."""
        deviation = self.deviation_scale * real.std(correction=0)
        return real + deviation * torch.randn_like(real)
