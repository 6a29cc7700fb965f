"""Gradient clipping, which the game calls between a player's backward pass and its step."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from torch import nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive

Parameters = Iterable[nn.Parameter]


class GradientClipping(ABC):
    """Limit the gradients of one player, in place.

    The gradients must be unscaled: under 16-bit precision with a gradient scaler, unscale first.
    Parameters without a gradient are passed over.
    """

    @abstractmethod
    def __call__(self, parameters: Parameters) -> None:
        """Limit ``parameter.grad`` of the player's parameters."""


@defaults_from("optimizer/gradient_clipping/norm")
class ClipByNorm(GradientClipping):
    """Shrink all gradients by one factor so that their joint Euclidean norm keeps a limit.

    Pascanu et al. (2013, arXiv:1211.5063), algorithm 1. Shorter gradients stay as they are.
    Departure: torch adds 1e-6 to the norm that it divides by.

    Args:
        max_norm: the largest norm of the player's whole gradient, positive.

    Raises:
        InputError: if max_norm is not positive and finite.
    """

    def __init__(self, *, max_norm: float = FROM_CONFIG) -> None:
        check_positive(max_norm=max_norm)
        self.max_norm = max_norm

    def __call__(self, parameters: Parameters) -> None:
        """Scale the gradients to the limit if they exceed it, without waiting for the device."""
        nn.utils.clip_grad_norm_(parameters, self.max_norm)


@defaults_from("optimizer/gradient_clipping/value")
class ClipByValue(GradientClipping):
    """Cut each entry of the gradients to ``[-max_value, max_value]``.

    This limits gradients; it is not the clipping of a WGAN critic's weights.

    Args:
        max_value: the largest absolute value of an entry, positive.

    Raises:
        InputError: if max_value is not positive and finite.
    """

    def __init__(self, *, max_value: float = FROM_CONFIG) -> None:
        check_positive(max_value=max_value)
        self.max_value = max_value

    def __call__(self, parameters: Parameters) -> None:
        """Cut the gradients' entries to the limit."""
        nn.utils.clip_grad_value_(parameters, self.max_value)
