"""The penalty of DRAGAN, around real data."""

from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_positive
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
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
        deviation_scale: the noise's standard deviation over that of the real batch, positive.
        target_norm: ``k``, the gradient norm to hold, at least 0.
        term: see :class:`~ganzoo.penalties.base.Penalty`; lambda in the paper is its
            ``weight``.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(
        self, *, deviation_scale: float = FROM_CONFIG, target_norm: float = FROM_CONFIG, **term: Any
    ) -> None:
        super().__init__(**term)
        check_positive(deviation_scale=deviation_scale)
        check_not_negative(target_norm=target_norm)
        self.deviation_scale = deviation_scale
        self.target_norm = target_norm

    def value(self, context: Context) -> Tensor:
        """Average the squared distance to the target around the real batch."""
        norms = gradient_norms(context.score, self.perturb(context.points("real")))
        return (norms - self.target_norm).square().mean()

    def perturb(self, real: Tensor) -> Tensor:
        """Move each real sample ``[B, ...]`` by Gaussian noise of the local region's size."""
        deviation = self.deviation_scale * real.std(correction=0)
        return real + deviation * torch.randn_like(real)
