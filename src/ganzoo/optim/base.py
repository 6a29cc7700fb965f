"""What an update rule of a game is, and what it asks of the players."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor, nn


class SteppingPlayer(Protocol):
    """What an update rule asks of a player; :class:`ganzoo.game.player.Player` has it.

    Attributes:
        name: The player's name, one among the players.
        parameters: What it trains.
        optimizer: Its optimizer, one of torch's or like them.
    """

    name: str
    parameters: list[nn.Parameter]
    optimizer: Any

    def compute_gradients(self) -> None:
        """Put the gradients of its own loss, at the present parameters of all players, in place."""

    def loss(self) -> Tensor:
        """Compute what it minimises, as a twice differentiable function of all parameters."""

    def step(self) -> None:
        """Let its optimizer step along the gradients that are in place."""

    def extrapolate(self) -> None:
        """Take a step that the rule will take back."""

    def gradients(self) -> list[Tensor]:
        """Copies of the gradients that are in place, zeros where there are none."""

    def set_gradients(self, gradients: Sequence[Tensor]) -> None:
        """Put gradients in place, in the order of the parameters."""


class UpdateRule(ABC):
    """How the players step on one minibatch.

    An iteration has one minibatch or more, and on each one ``step`` is called with the players who
    step on it. A rule that acts at the end of iterations has ``end_iteration(players)``. With
    several processes every one of them steps with data of its own; what a rule computes from
    gradients takes their means over processes.

    Attributes:
        differentiates_twice: Whether it asks for losses rather than for gradients, and so needs
            the data of a step in one piece.
    """

    differentiates_twice = False

    @abstractmethod
    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Let each player make one step of its optimizer.

        Args:
            players: Those who step on the minibatch, in their order.
        """

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as plain values and tensors."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most forget
        """Go on from what it remembered."""
