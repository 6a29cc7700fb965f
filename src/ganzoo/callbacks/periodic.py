"""What happens every few generator updates, and what must not change training by happening."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ganzoo.defaults import defaults_from
from ganzoo.errors import check_whole
from ganzoo.game.evaluating import evaluating

log = logging.getLogger("ganzoo")


@defaults_from()
class Periodic(Callback, ABC):
    """Acts every few generator updates and at the end of a run, never twice at one update.

    Where it cannot act, the first process says why when training begins, and nothing happens.

    Args:
        every_n_steps: Generator updates from one time to the next, at least 1.

    Attributes:
        name: What it is about, in a word.

    Raises:
        InputError: if the number is out of range.
    """

    name: str

    def __init__(self, *, every_n_steps: int) -> None:
        check_whole(every_n_steps=every_n_steps)
        self.every_n_steps = every_n_steps
        self.last_step = -1
        self._active = False

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """Why it cannot act in this run, or None; the first process is asked before training."""
        return None

    @abstractmethod
    def act(self, trainer: Trainer, model: LightningModule) -> None:
        """What is done when it is time; every process calls this."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find out whether it can act."""
        reason = self.reason_inactive(trainer, pl_module) if trainer.is_global_zero else None
        self._active = trainer.strategy.broadcast(reason is None)
        if reason is not None:
            log.info("without %s: %s", self.name, reason)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Act when it is time."""
        if trainer.global_step % self.every_n_steps == 0:
            self._act_once(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Act at the end of the run, unless that has just been done."""
        self._act_once(trainer, pl_module)

    def _act_once(self, trainer: Trainer, model: LightningModule) -> None:
        if self._active and self.last_step != trainer.global_step:
            self.last_step = trainer.global_step
            self.act(trainer, model)


@contextmanager
def undisturbed(model: LightningModule) -> Iterator[None]:
    """Evaluation mode without gradients; modes and torch's random states are put back."""
    cuda = [model.device] if model.device.type == "cuda" else []
    with evaluating(model), torch.random.fork_rng(cuda):
        yield
