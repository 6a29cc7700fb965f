"""The latest value of every term, kept without waiting for the device."""

import torch
from torch import Tensor

from ganzoo.models.player import Player, Terms


class NonFiniteError(RuntimeError):
    """A term of a loss is not finite, so the step was not taken."""


class Record:
    """Keeps the terms of each player's last update, so that a term cannot be trained unlogged.

    Terms that are not part of every update (lazy penalties) stay with their last value.
    """

    def __init__(self) -> None:
        self.latest: Terms = {}

    def add(self, player: Player, terms: Terms, loss: Tensor) -> None:
        """Keep the terms and the sum of one update."""
        for name, value in terms.items():
            self.latest[f"{player.name}/{name}"] = value.detach()
        self.latest[f"{player.name}/loss"] = loss.detach()


def total(player: Player, terms: Terms, step: int) -> Tensor:
    """The sum of an objective's terms.

    Raises:
        NonFiniteError: naming the terms that are infinite or NaN, and the generator update.
    """
    loss = torch.stack([term.float() for term in terms.values()]).sum()
    if not torch.isfinite(loss):
        bad = [f"{player.name}/{name}" for name, term in terms.items() if not term.isfinite()]
        raise NonFiniteError(
            f"{' and '.join(bad) or player.name + '/loss'} is not finite at step {step}"
        )
    return loss
