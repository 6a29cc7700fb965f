"""What an update rule of a game is, and what it asks of the players."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Mover(ABC):
    """A player at its turn, as an update rule sees it.

    Attributes:
        name: The player's name, one among the players.
        parameters: What it moves.
        optimizer: Its optimizer, one of torch's or like them.
    """

    name: str
    parameters: list[nn.Parameter]
    optimizer: Optimizer

    @abstractmethod
    def differentiate(self) -> None:
        """Put the gradients of its own objective, at everybody's parameters of now, in place."""

    @abstractmethod
    def objective(self) -> Tensor:
        """Compute what it minimises: a scalar, a twice differentiable function of everybody."""

    @abstractmethod
    def step(self) -> None:
        """Let its optimizer step along the gradients that are in place."""

    def extrapolate(self) -> None:
        """Take a step that the rule will take back."""
        self.step()

    def gradients(self) -> list[Tensor]:
        """Copies of the gradients that are in place, zeros where there are none."""
        return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in self.parameters]

    def assign(self, gradients: Sequence[Tensor]) -> None:
        """Put gradients in place, in the order of the parameters."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient.detach()


class Competitor(Mover):
    """A player of a game between any torch modules or tensors.

    Args:
        name: One among the players.
        parameters: What it moves; nobody else does.
        optimizer: Made with those parameters.
        objective: Computes the scalar that it minimises from everybody's parameters of now.
    """

    def __init__(
        self,
        *,
        name: str,
        parameters: Sequence[nn.Parameter],
        optimizer: Optimizer,
        objective: Callable[[], Tensor],
    ) -> None:
        self.name = name
        self.parameters = list(parameters)
        self.optimizer = optimizer
        self._objective = objective

    def differentiate(self) -> None:
        """Put the gradients of its objective in place."""
        gradients = torch.autograd.grad(
            self._objective(), self.parameters, allow_unused=True, materialize_grads=True
        )
        self.assign(gradients)

    def objective(self) -> Tensor:
        """Compute what it minimises."""
        return self._objective()

    def step(self) -> None:
        """Let its optimizer step."""
        self.optimizer.step()


class UpdateRule(ABC):
    """How the players move in one round of a game.

    An iteration of a game has one round or more; in each one ``play`` moves the players whose
    turn it is, and ``finish`` ends the iteration. With several processes every one of them plays
    with data of its own; what a rule computes from gradients takes their means over processes.

    Attributes:
        differentiates_twice: Whether it asks for objectives rather than for gradients, and so
            needs the data of an update in one piece.
    """

    differentiates_twice = False

    @abstractmethod
    def play(self, movers: Sequence[Mover]) -> None:
        """Move the players of one round, each by one step of its optimizer.

        Args:
            movers: The players in the order of their turns.
        """

    def finish(self, movers: Sequence[Mover]) -> None:  # noqa: B027 - most need no end
        """End an iteration, in which all of these have moved."""

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as plain values and tensors."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most forget
        """Go on from what it remembered."""
