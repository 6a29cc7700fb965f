"""How far a run has come: the time by which schedules, ramps and half-lives are measured."""

from dataclasses import dataclass
from typing import Literal

from ganzoo.errors import InputError

Unit = Literal["iterations", "images"]


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        iterations: Iterations so far, each of them one step of the player that steps last.
        images: Real samples shown so far, on all devices together.
        images_per_iteration: Real samples of the last iteration, on all devices together.
    """

    iterations: int = 0
    images: int = 0
    images_per_iteration: int = 0

    def in_unit(self, unit: Unit) -> int:
        """Iterations or images so far."""
        return self.iterations if unit == "iterations" else self.images

    def step_in_unit(self, unit: Unit) -> int:
        """What the last iteration added to that."""
        return 1 if unit == "iterations" else self.images_per_iteration

    def before_last(self) -> "Progress":
        """How far it had come before the last iteration."""
        last = self.images_per_iteration
        return Progress(self.iterations - 1, self.images - last, last)


def check_unit(unit: str) -> None:
    """Refuse units of time that there are not.

    Raises:
        InputError: naming both.
    """
    if unit not in ("iterations", "images"):
        raise InputError(f"unit must be iterations or images, not {unit}")
