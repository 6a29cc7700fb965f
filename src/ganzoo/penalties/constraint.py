"""What keeps a player's parameters in a set, without a term in its loss."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import nn


class Constraint(nn.Module, ABC):
    """A set that a player's parameters are brought back to after each of its steps.

    Args:
        on: Name of the player.
    """

    role: ClassVar[str] = ""
    needs: ClassVar[str] = ""

    def __init__(self, *, on: str) -> None:
        super().__init__()
        self.on = on

    @abstractmethod
    def project(self, parameters: Sequence[nn.Parameter]) -> None:
        """Move parameters, in place, to the nearest point of the set."""

    def attach(self, modules: Sequence[nn.Module]) -> None:
        """Make ready for the modules of its player, once, when the model is built."""
