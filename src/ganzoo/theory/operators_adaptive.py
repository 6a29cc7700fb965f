"""Rules that divide by the size of past gradients."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive
from ganzoo.theory.operators import CoordinateRule


@defaults_from()
@dataclass(frozen=True, kw_only=True)
class AdaptiveRule(CoordinateRule):
    """A rule with no useful linearisation.

    At a fixed point gradients vanish and so does their second moment: what is left of the divisor
    is epsilon, and the local learning rate ``learning_rate / epsilon``, which for the usual 1e-8
    is stable for no game that rotates. Trajectories do not see this before the second moment
    has decayed, so the linearisation says little about them, and it is refused.

    Args:
        learning_rate: size of the steps, positive.
        epsilon: added to the divisor, positive.
    """

    epsilon: float = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(epsilon=self.epsilon)

    def at_rest(self, parameters: Tensor) -> Tensor:
        """Refuse.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"{type(self).__name__} divides by the size of gradients, which is zero at a fixed "
            "point: choose FrozenAdam, with a constant second_moment, to linearise it"
        )


@defaults_from("theory/optimizer/rmsprop")
@dataclass(frozen=True, kw_only=True)
class RMSprop(AdaptiveRule):
    """``s <- a s + (1 - a) g^2`` and ``x <- x - lr g / (sqrt(s) + epsilon)``.

    Tieleman and Hinton's lecture (2012), as in torch.optim.RMSprop, which WGAN uses (Arjovsky et
    al. 2017, arXiv:1701.07875).

    Args:
        learning_rate: size of the steps, positive.
        epsilon: added to the divisor, positive.
        decay: a, the share of the past, in [0, 1).

    Raises:
        InputError: if a number is out of range.
    """

    decay: float = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(decay=self.decay)

    def initial(self, parameters: Tensor) -> Tensor:
        """Start with a second moment of zero."""
        return torch.stack([parameters, torch.zeros_like(parameters)])

    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """Move the second moment on, then step."""
        parameters, second = rows
        second = torch.lerp(gradient.square(), second, self.decay)
        step = self.learning_rate * gradient / (second.sqrt() + self.epsilon)
        return torch.stack([parameters - step, second])


@defaults_from("theory/optimizer/adam")
@dataclass(frozen=True, kw_only=True)
class Adam(AdaptiveRule):
    """Steps by the ratio of two moments of the gradient, each corrected for its start at zero.

    Kingma and Ba (2015, arXiv:1412.6980), Algorithm 1. The corrections ``1 - b^t`` are remembered
    as moments of the number 1.

    Args:
        learning_rate: size of the steps, positive.
        epsilon: added to the divisor, positive.
        betas: the shares of the past in the first and the second moment, in [0, 1).

    Raises:
        InputError: if a number is out of range.
    """

    betas: Sequence[float] = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.betas) != 2:
            raise InputError(f"betas must be two numbers, not {len(self.betas)}")
        for beta in self.betas:
            check_share(betas=beta)

    def initial(self, parameters: Tensor) -> Tensor:
        """Start with moments of zero."""
        return torch.stack([parameters, *[torch.zeros_like(parameters)] * 4])

    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """Move the moments on, then step."""
        parameters, first, second, first_of_one, second_of_one = rows
        one = torch.ones_like(gradient)
        first, second, first_of_one, second_of_one = (
            torch.lerp(value, past, beta)
            for value, past, beta in (
                (gradient, first, self.betas[0]),
                (gradient.square(), second, self.betas[1]),
                (one, first_of_one, self.betas[0]),
                (one, second_of_one, self.betas[1]),
            )
        )
        divisor = (second / second_of_one).sqrt() + self.epsilon
        step = self.learning_rate * first / first_of_one / divisor
        moments = (first, second, first_of_one, second_of_one)
        return torch.stack([parameters - step, *moments])


@defaults_from("theory/optimizer/frozen_adam")
@dataclass(frozen=True, kw_only=True)
class FrozenAdam(CoordinateRule):
    """Adam with a second moment that stays at a given value, long after the start.

    ``m <- b m + (1 - b) g`` and ``x <- x - lr m / (sqrt(s) + epsilon)``: what Adam
    (Kingma and Ba 2015, arXiv:1412.6980) does to first order while s changes slowly, and a map
    that has a linearisation. With b = 0 it is RMSprop's.

    Args:
        learning_rate: size of the steps, positive.
        epsilon: added to the divisor, positive.
        first_beta: b, the share of the past in the first moment, in [0, 1).
        second_moment: s, the mean squared gradient that Adam is taken to have met; positive.

    Raises:
        InputError: if a number is out of range.
    """

    epsilon: float = FROM_CONFIG
    first_beta: float = FROM_CONFIG
    second_moment: float = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(epsilon=self.epsilon, second_moment=self.second_moment)
        check_share(first_beta=self.first_beta)

    def initial(self, parameters: Tensor) -> Tensor:
        """Start with a first moment of zero."""
        return torch.stack([parameters, torch.zeros_like(parameters)])

    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """Move the first moment on, then step."""
        parameters, first = rows
        first = torch.lerp(gradient, first, self.first_beta)
        divisor = math.sqrt(self.second_moment) + self.epsilon
        return torch.stack([parameters - self.learning_rate / divisor * first, first])


def check_share(**values: float) -> None:
    """Refuse numbers outside [0, 1).

    Raises:
        InputError: naming the first argument that is.
    """
    for name, value in values.items():
        if not 0 <= value < 1:
            raise InputError(f"{name} must be at least 0 and below 1, not {value}")
