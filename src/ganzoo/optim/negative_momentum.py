"""Optimizers whose momentum may be negative, against players who circle around each other."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adam

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError


@defaults_from("optimizer/negative_momentum")
class NegativeMomentumSGD(SGD):
    """Gradient descent with heavy-ball momentum above -1 and below 1.

    Gidel et al. (2019), "Negative Momentum for Improved Game Dynamics" (arXiv 1807.04740),
    equation 5: ``w_{t+1} = w_t - lr g_t + momentum (w_t - w_{t-1})``. On a bilinear game it
    converges with -1/2 and players that take turns; with players that move at once it diverges
    at every momentum.

    Args:
        params: The parameters, or groups of them.
        lr: The learning rate.
        momentum: Above -1 and below 1.
        settings: Other arguments of ``torch.optim.SGD``.

    Raises:
        InputError: if the momentum is not above -1 and below 1.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = FROM_CONFIG,
        momentum: float = FROM_CONFIG,
        **settings: Any,
    ) -> None:
        _check(momentum=momentum)
        super().__init__(_groups(params, {"momentum": momentum}), lr, **settings)
        self.defaults["momentum"] = momentum


@defaults_from("optimizer/adam_negative_momentum")
class NegativeMomentumAdam(Adam):
    """Adam whose first decay rate, its momentum, is above -1 and below 1.

    Gidel et al. (2019, arXiv 1807.04740) analyse gradient descent; that the same sign helps Adam is
    no result of theirs. All else is Adam's; its correction of bias ``1 - beta_1^t`` stays positive.

    Args:
        params: The parameters, or groups of them.
        lr: The learning rate.
        betas: Decay rates of the first and of the second moment, the first above -1 and below 1.
        settings: Other arguments of ``torch.optim.Adam``.

    Raises:
        InputError: if the first of the betas is not above -1 and below 1.
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = FROM_CONFIG,
        betas: Sequence[float] = FROM_CONFIG,
        **settings: Any,
    ) -> None:
        first, second = betas
        _check(**{"betas[0]": first})
        pair = (first, second)
        super().__init__(_groups(params, {"betas": pair}), lr, betas=(0.0, second), **settings)
        self.defaults["betas"] = pair


def _groups(params: Iterable[Any], settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Groups of parameters with settings of their own, which torch does not look at."""
    given = list(params)
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    return [settings | group for group in groups]


def _check(**momentum: float) -> None:
    for name, value in momentum.items():
        if not -1 < value < 1:
            raise InputError(f"{name} must be above -1 and below 1, not {value}")
