"""The gradient term of the Wasserstein divergence."""

from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.gradient_penalty import points_between
from ganzoo.penalties.gradients import gradient_norms


@defaults_from("penalty/wgan_div")
class WassersteinDivergence(Penalty):
    """Let the critic be as steep as it pays to be: ``E ||grad D(x^)||^p``.

    Wu et al. (2018, arXiv:1712.01026), WGAN-div: with the Wasserstein loss and the weight k, the
    critic's objective is that of a divergence between the distributions for any p above 1, so
    that no Lipschitz constraint is needed. Algorithm 1 takes the points ``x^`` on straight lines
    between real and generated data, k = 2 and p = 6. Batches of different sizes are paired up to
    the smaller one.

    Departures: none. (A widespread reimplementation averages over real and generated data instead.)

    Args:
        power: p in the paper, positive.
        term: see :class:`~ganzoo.penalties.base.Penalty`; k in the paper is its ``weight``.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(self, *, power: float = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        check_positive(power=power)
        self.power = power

    def value(self, context: Context) -> Tensor:
        """Average a power of the gradient norm over random points between the two batches."""
        norms = gradient_norms(context.score, points_between(context))
        return norms.pow(self.power).mean()
