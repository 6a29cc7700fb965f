"""What a loss or a penalty must be to have a meaning on a single point."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.losses import AdversarialLoss
from ganzoo.penalties.base import Penalty

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


def check_penalty(name: str, penalty: Penalty, evaluate: Evaluate) -> None:
    """Refuse a penalty whose term is no function of the two parameters, or a constant.

    Raises:
        InputError: if it draws random numbers, keeps a memory, acts only in some steps, is
            constant although its weight is not zero, or is not finite.
    """
    title = f"penalty {name} ({type(penalty).__name__})"
    if not penalty.applies_at(1):
        raise InputError(
            f"{title} acts only in some steps, and a game's objectives do not change from step "
            "to step: set its interval to 1"
        )
    values = _check_function(title, penalty, evaluate)
    if penalty.weight and values[1:].max() - values[1:].min() < 1e-12:
        raise InputError(f"{title} is constant on a single point: choose a penalty that acts there")


def check_forgets(title: str, part: nn.Module) -> None:
    """Refuse a part that moves with the game.

    Raises:
        InputError: if it does.
    """
    if any(hasattr(module, "after_step") for module in part.modules()):
        raise InputError(
            f"{title} remembers earlier steps, and a game's objectives are functions of the "
            "parameters alone: choose one without running statistics"
        )


def _check_function(title: str, part: nn.Module, evaluate: Evaluate) -> Tensor:
    """Evaluate a part at the probes, twice; its values in rows, one for each probe."""
    check_forgets(title, part)
    values, again = (_seeded(seed, evaluate) for seed in (0, 1))
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
