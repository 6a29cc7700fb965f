"""A player's move in the game: its objective's gradients, and the step along them."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ganzoo.models.finite import spoil
from ganzoo.models.player import Share, Terms, Turn
from ganzoo.models.record import LOSS, add_up, scaled, total
from ganzoo.optim.base import Mover
from ganzoo.penalties.base import full_precision
from ganzoo.strategies.player_parallel import share_gradients


class Table(Protocol):
    """The part of a game that its players' moves need."""

    trainer: Trainer
    device: torch.device
    accumulation_steps: int

    def manual_backward(self, loss: Tensor) -> None:
        """Differentiate a loss, scaled where the precision asks for it."""

    def take_step(self, move: "Move", *, counted: bool) -> None:
        """Step with the gradients that are in place."""


class Move(Mover):
    """One update of one player in a game.

    Args:
        table: The game.
        turn: The player and what belongs to it.
        share: The real data of the update.

    Attributes:
        turn: As given.
        terms: The terms of the player's objective as they were last computed, with their sum.
    """

    def __init__(self, table: Any, turn: Turn, share: Share) -> None:
        self._table: Table = table
        self.turn, self.share = turn, share
        self.name = turn.player.name
        self.parameters = turn.parameters
        self.optimizer = turn.optimizer.optimizer
        self.terms: Terms = {}
        self._loss: Tensor | None = None
        self._scaled_by = 1.0

    def differentiate(self) -> None:
        """Put the gradients of the objective in place; the others stay as they are."""
        self._scaled_by = self.scale
        with self.turn.opponents.frozen():
            self.terms = self._accumulated()
        self._loss = None
        share_gradients(self._table.trainer.strategy, self.parameters)

    def objective(self) -> Tensor:
        """Compute the objective as a function of everybody's parameters, in float32 or better.

        Nobody's parameters are frozen; running statistics of the others stay as they are.
        """
        with self.turn.opponents.on_copies(), full_precision(self._table.device):
            terms = self.turn.player.objective(self.share)
        loss = total(terms)
        self.terms = add_up([terms | {LOSS: loss}])
        self._loss = loss.detach()
        return loss

    def gradients(self) -> list[Tensor]:
        """Copies of the gradients in place, without what a gradient scaler multiplied them by."""
        copies, scale = super().gradients(), self._scaled_by
        return copies if scale == 1.0 else [gradient / scale for gradient in copies]

    def assign(self, gradients: Sequence[Tensor]) -> None:
        """Put gradients in place, as a backward pass would have left them."""
        scale = self._scaled_by = self.scale
        super().assign(gradients if scale == 1.0 else [scale * gradient for gradient in gradients])
        if self._loss is not None:
            spoil(self.parameters, self._loss)
            share_gradients(self._table.trainer.strategy, self.parameters)

    def step(self) -> None:
        """Step, and let the game count it."""
        self._rescale()
        self._table.take_step(self, counted=True)

    def extrapolate(self) -> None:
        """Step without being counted."""
        self._rescale()
        self._table.take_step(self, counted=False)

    @property
    def scale(self) -> float:
        """By what a gradient scaler multiplies losses before their backward pass, else 1."""
        scaler = getattr(self._table.trainer.precision_plugin, "scaler", None)
        return float(scaler.get_scale()) if scaler else 1.0

    def _rescale(self) -> None:
        """Follow a gradient scaler whose scale another player's step has changed meanwhile."""
        change = self.scale / self._scaled_by
        if change != 1.0:
            for gradient in [p.grad for p in self.parameters if p.grad is not None]:
                gradient.mul_(change)
            self._scaled_by = self.scale

    def _accumulated(self) -> Terms:
        """The gradients of the objective, and its terms with their sum."""
        self.turn.optimizer.zero_grad()
        parts = self.share.parts(self._table.accumulation_steps)
        return add_up([self._passed(part) for part in parts])

    def _passed(self, part: Share) -> Terms:
        terms = scaled(self.turn.player.objective(part), len(part.data) / len(self.share.data))
        loss = total(terms)
        with torch.autocast(self._table.device.type, enabled=False):  # as torch's guide on AMP asks
            self._table.manual_backward(loss)
        spoil(self.parameters, loss)
        return terms | {LOSS: loss}
