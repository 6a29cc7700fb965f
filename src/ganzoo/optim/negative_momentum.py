"""Optimizers whose momentum is negative, against players who circle around each other."""

from ganzoo.defaults import defaults_from
from ganzoo.optim.momentum import MomentumAdam, MomentumSGD


@defaults_from("optimizer/negative_momentum")
class NegativeMomentumSGD(MomentumSGD):
    """Gradient descent with negative heavy-ball momentum.

    Gidel et al. (2019), "Negative Momentum for Improved Game Dynamics" (arXiv 1807.04740),
    equation 5: ``w_{t+1} = w_t - lr g_t + momentum (w_t - w_{t-1})``. On a bilinear game it
    converges with -1/2 and alternating steps; with simultaneous ones it diverges at every
    momentum.

    Args:
        params: see :class:`~ganzoo.optim.momentum.MomentumSGD`, as all others.
    """


@defaults_from("optimizer/adam_negative_momentum")
class NegativeMomentumAdam(MomentumAdam):
    """Adam whose first decay rate, its momentum, is negative.

    Gidel et al. (2019, arXiv 1807.04740) analyse gradient descent; that the same sign helps Adam is
    no result of theirs. All else is Adam's; its correction of bias ``1 - beta_1^t`` stays positive.

    Args:
        params: see :class:`~ganzoo.optim.momentum.MomentumAdam`, as all others.
    """
