"""Penalties of a user's own that are not derived from the library's base class."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from ganzoo.errors import InputError, described
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.constraint import Constraint
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32


def as_penalties(penalties: Any) -> nn.ModuleDict:
    """Take functions ``(discriminator, real, fake)`` to a term for penalties of the discriminator.

    Such a penalty is part of all steps; its term is a scalar, or the mean of a tensor.

    Raises:
        InputError: if something is neither that nor a penalty of the library, or its name is one
            that a module cannot have.
    """
    if not isinstance(penalties, Mapping):
        raise InputError(
            "penalties must be a dictionary from a name of yours to each penalty, as "
            f"{{'r1': R1(...)}}; it is {described(penalties)}"
        )
    parts = {name: _as_penalty(name, penalty) for name, penalty in penalties.items()}
    try:
        return nn.ModuleDict(parts)
    except KeyError as error:  # a dot, or a method of torch's modules
        raise InputError(f"give a penalty another name: {error.args[0]}") from error


def _as_penalty(name: str, penalty: Any) -> Penalty | Constraint:
    if isinstance(penalty, Penalty | Constraint):
        return penalty
    if isinstance(penalty, type) or not _takes_three(penalty):
        raise InputError(
            f"penalty {name} must be a ganzoo.penalties.Penalty, or a function (discriminator, "
            f"real, fake) to a term of the discriminator's loss; it is {described(penalty)}"
        )
    return _OwnPenalty(penalty)


def _takes_three(penalty: Any) -> bool:
    function = getattr(penalty, "forward", penalty)
    try:
        inspect.signature(function).bind(None, None, None)
    except (TypeError, ValueError):
        return False
    return True


class _OwnPenalty(Penalty):
    """A function of the discriminator, real and generated data; a module is part of the model."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__(weight=1.0, interval=1, on="discriminator")
        self.own = function

    def value(self, context: Context) -> Tensor:
        """What the function says, its mean where it is no scalar."""
        real, fake = (at_least_float32(data.detach()) for data in (context.real, context.fake))
        term = self.own(context.score, real, fake)
        if not isinstance(term, Tensor):
            raise InputError(f"a penalty must return a tensor, not {described(term)}")
        return term.mean() if term.dim() else term
