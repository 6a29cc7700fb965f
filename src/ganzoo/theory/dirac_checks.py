"""What a loss or a penalty must be to have a meaning on a single point."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.losses import AdversarialLoss
from ganzoo.penalties import Regularizer

# Where functions of (psi, theta) are tried: first the middle, where some are constant by
# convention, then places inside and outside of margins, with logits of both signs.
PROBES = ((0.0, 0.0), (0.3, 0.7), (1.7, -2.3), (-2.9, 0.8), (-0.4, -1.1), (1.5, 2.1), (-1.6, -2.2))

# Values above this are divisions by a spread of zero.
LARGEST = 1e12

Evaluate = Callable[[float, float], Tensor]
"""From psi and theta to values."""


def check_loss(loss: AdversarialLoss, evaluate: Evaluate) -> None:
    """Refuse a loss that is no function of the two parameters.

    Raises:
        InputError: if it draws random numbers, keeps a memory, or is not finite.
    """
    _check_function(f"the loss {type(loss).__name__}", loss, evaluate)


def check_penalty(name: str, penalty: Regularizer, evaluate: Evaluate) -> None:
    """Refuse a penalty whose term is no function of the two parameters, or a constant.

    Raises:
        InputError: if it draws random numbers, keeps a memory, acts only in some updates, is
            constant although its weight is not zero, or is not finite.
    """
    title = f"penalty {name} ({type(penalty).__name__})"
    if not penalty.due(1):
        raise InputError(
            f"{title} acts only in some updates, and a game's objectives do not change from step "
            "to step: set its interval to 1"
        )
    values = _check_function(title, penalty, evaluate)
    if getattr(penalty, "weight", 1) and values[1:].max() - values[1:].min() < 1e-12:
        raise InputError(f"{title} is constant on a single point: choose a penalty that acts there")


def check_constraint(name: str, penalty: Regularizer) -> None:
    """Refuse a penalty that remembers where the weights have been.

    Raises:
        InputError: if it does.
    """
    before = _memory(penalty)
    if type(penalty).project is Regularizer.project:
        return
    penalty.project([nn.Parameter(torch.full((1,), 0.5, dtype=torch.float64))])
    if _differ(before, _memory(penalty)):
        raise InputError(_remembers(f"penalty {name} ({type(penalty).__name__})"))


def _check_function(title: str, part: nn.Module, evaluate: Evaluate) -> Tensor:
    """Evaluate a part at the probes, twice; its values in rows, one for each probe."""
    before = _memory(part)
    values, again = (_seeded(seed, evaluate) for seed in (0, 1))
    if _differ(before, _memory(part)):
        raise InputError(_remembers(title))
    if not (values.abs() < LARGEST).all():
        raise InputError(f"{title} is not finite on a single point: choose another one")
    if not torch.equal(values, again):
        raise InputError(
            f"{title} draws random numbers, which would need an expectation: choose one without"
        )
    return values


def _seeded(seed: int, evaluate: Evaluate) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.stack([evaluate(psi, theta) for psi, theta in PROBES])


def _remembers(title: str) -> str:
    return (
        f"{title} remembers earlier updates, and a game's objectives are functions of the "
        "parameters alone: choose one without running statistics"
    )


def _memory(part: nn.Module) -> dict[str, Any]:
    return {name: torch.as_tensor(value).clone() for name, value in part.state_dict().items()}


def _differ(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return before.keys() != after.keys() or any(
        not torch.equal(value, after[name]) for name, value in before.items()
    )
