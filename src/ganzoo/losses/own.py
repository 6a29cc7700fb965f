"""Losses of a user's own that are not derived from the library's base class."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from ganzoo.errors import InputError, described
from ganzoo.losses.base import AdversarialLoss, LossTerms

_WANTED = (
    "loss must be an object with discriminator(real, fake) and generator(fake), of logits [B], "
    "which return a tensor or named tensors"
)


def as_loss(loss: Any) -> AdversarialLoss:
    """Take any object with the two methods of an adversarial loss for one.

    What they return may be a scalar, one value for each sample, of which the mean is taken, or a
    dictionary of such tensors. ``generator_against(fake, real)`` is used where there is one.

    Raises:
        InputError: if it is something else, saying what a loss must have.
    """
    if isinstance(loss, AdversarialLoss):
        return loss
    for name, count in (("discriminator", 2), ("generator", 1)):
        method = getattr(loss, name, None)
        if isinstance(loss, type) or not callable(method):
            raise InputError(f"{_WANTED}; it is {described(loss)}")
        _check_arguments(name, method, count)
    return _OwnLoss(loss)


class _OwnLoss(AdversarialLoss):
    """An object with the two methods; a module among them keeps its place in checkpoints."""

    def __init__(self, loss: Any) -> None:
        super().__init__()
        self.own = loss

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        return _loss_terms("discriminator", self.own.discriminator(real, fake))

    def generator(self, fake: Tensor) -> LossTerms:
        return _loss_terms("generator", self.own.generator(fake))

    def generator_against(self, fake: Tensor, real: Callable[[], Tensor]) -> LossTerms:
        against = getattr(self.own, "generator_against", None)
        return (
            _loss_terms("generator_against", against(fake, real))
            if against
            else self.generator(fake)
        )


def _check_arguments(name: str, method: Callable[..., Any], count: int) -> None:
    try:
        signature = inspect.signature(method)
    except ValueError:  # a builtin's is not known
        return
    try:
        signature.bind(*[None] * count)
    except TypeError as error:
        raise InputError(f"{_WANTED}; {name}{signature} is another") from error


def _loss_terms(method: str, returned: Any) -> LossTerms:
    """What a method returned as named scalars."""
    named = returned if isinstance(returned, Mapping) else {"adversarial": returned}
    if not named or not all(isinstance(term, Tensor) for term in named.values()):
        raise InputError(f"{_WANTED}; {method} returned {described(returned)}")
    return {str(name): term.mean() if term.dim() else term for name, term in named.items()}
