"""torch's SGD and Adam with defaults from config files, whose momentum may be negative."""

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor
from torch.optim import SGD, Adam

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError


@defaults_from()
class MomentumSGD(SGD):
    """Gradient descent with heavy-ball momentum, of which torch takes none below 0.

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
        super().__init__(
            _groups(params, momentum=momentum), lr, momentum=max(momentum, 0.0), **settings
        )
        self.defaults["momentum"] = momentum


@defaults_from()
class MomentumAdam(Adam):
    """Adam, whose first decay rate is its momentum, of which torch takes none below 0.

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
        groups = _groups(params, betas=(first, second))
        super().__init__(groups, lr, betas=(max(first, 0.0), second), **settings)
        self.defaults["betas"] = (first, second)


def _groups(params: Iterable[Any], **settings: Any) -> list[dict[str, Any]]:
    """Groups of parameters with settings of their own, which torch does not look at."""
    given = list(params)
    groups = given if given and isinstance(given[0], dict) else [{"params": given}]
    return [settings | group for group in groups]


def _check(**momentum: float) -> None:
    for name, value in momentum.items():
        if not -1 < value < 1:
            raise InputError(f"{name} must be above -1 and below 1, not {value}")
