"""Rules that remember how a player moved: momentum of either sign, and optimism."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.theory.operators import CoordinateRule


@defaults_from("theory/optimizer/momentum")
@dataclass(frozen=True, kw_only=True)
class HeavyBall(CoordinateRule):
    """``u <- b u - lr g`` and ``x <- x + u``: momentum, of either sign.

    Gidel et al. (2019, arXiv:1807.04740): on ``V = xy`` with simultaneous updates no momentum
    converges; with alternating ones a negative momentum does, and a positive one does not. The
    eigenvalues z of the map are the roots of ``(z - 1)^2 (z - b)^2 + lr^2 z^2`` and of
    ``(z - 1)^2 (z - b)^2 + lr^2 z^3``; the latter are below 1 for ``-1 < b < 0`` and
    ``lr < 2 (1 + b)``.

    Departures: the paper writes ``x_{t+1} = x_t - lr g + b (x_t - x_{t-1})``, which is the same.

    Args:
        learning_rate: size of the steps, positive.
        momentum: b, above -1 and below 1.

    Raises:
        InputError: if a number is out of range.
    """

    momentum: float = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        if not -1 < self.momentum < 1:
            raise InputError(f"momentum must be above -1 and below 1, not {self.momentum}")

    def initial(self, parameters: Tensor) -> Tensor:
        """Start without velocity."""
        return torch.stack([parameters, torch.zeros_like(parameters)])

    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """Change the velocity, then move."""
        parameters, velocity = rows
        velocity = self.momentum * velocity - self.learning_rate * gradient
        return torch.stack([parameters + velocity, velocity])


@defaults_from("theory/optimizer/optimistic")
@dataclass(frozen=True, kw_only=True)
class Optimistic(CoordinateRule):
    """``x <- x - 2 lr g_t + lr g_{t-1}``: expect that the gradient changes as it just did.

    Daskalakis et al. (2018, arXiv:1711.00141). On ``V = xy`` with simultaneous updates the map's
    eigenvalues are the roots of ``z^2 - (1 -+ 2 i lr) z -+ i lr``; it converges for
    ``lr < 1/sqrt(3)``.

    Departures: the first gradient of the past is zero, so that the first step is twice as long.
    """

    def initial(self, parameters: Tensor) -> Tensor:
        """Start with a past gradient of zero."""
        return torch.stack([parameters, torch.zeros_like(parameters)])

    def update(self, rows: Tensor, gradient: Tensor) -> Tensor:
        """One step with the gradient extrapolated."""
        parameters, past = rows
        moved = parameters - self.learning_rate * (2 * gradient - past)
        return torch.stack([moved, gradient])
