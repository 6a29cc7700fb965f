"""Stop in order when told to: a preempted job, or Ctrl-C."""

import os
import signal
import threading
from types import FrameType
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ganzoo.callbacks.checkpoints import Checkpoints
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import Interrupted, check_positive


@defaults_from("callbacks/interruption")
class Interruption(Callback):
    """Ends a run between two iterations, with a checkpoint, when a signal asks for it.

    SIGTERM and SIGINT are noted; after the iteration in which they came the ``Checkpoints``
    callback saves and :class:`~ganzoo.errors.Interrupted` ends the run. A second SIGINT ends the
    process at once, and the processes it has started. Several processes agree every
    ``agree_every_n_steps`` updates on whether one of them was told to stop, and stop together.

    Without it Lightning stops at Ctrl-C in the middle of an iteration, and saves nothing.
    Must come after the callbacks that measure.

    Args:
        agree_every_n_steps: Generator updates from one agreement to the next, positive.
    """

    def __init__(self, *, agree_every_n_steps: int = FROM_CONFIG) -> None:
        check_positive(agree_every_n_steps=agree_every_n_steps)
        self.agree_every_n_steps = agree_every_n_steps
        self._received: int | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen; only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return

        def note(signum: int, frame: FrameType | None) -> None:
            if signum == signal.SIGINT and self._received == signal.SIGINT:
                _end_at_once(trainer)
            self._received = signum

        self._received = None
        self._before = {s: signal.signal(s, note) for s in (signal.SIGTERM, signal.SIGINT)}

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save and stop, if any process was told to.

        Raises:
            Interrupted: naming the signal, the step and the checkpoint.
        """
        received = self._agreed_signal(trainer)
        if received:
            raise Interrupted(
                f"stopped by {signal.Signals(received).name} at step {trainer.global_step}"
                f"{_saved(trainer)}",
                received,
            )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen no more."""
        self._restore()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Listen no more."""
        self._restore()

    def _agreed_signal(self, trainer: Trainer) -> int:
        received = self._received or 0
        if trainer.world_size == 1:
            return received
        if trainer.global_step % self.agree_every_n_steps:
            return 0
        mine = torch.tensor(received, device=trainer.strategy.root_device)
        return int(trainer.strategy.reduce(mine, reduce_op="max"))

    def _restore(self) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
        self._before = {}


def _saved(trainer: Trainer) -> str:
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, Checkpoints):
            callback.save(trainer)
            return f": checkpoint=last goes on from {callback.last_model_path}"
    return ": there is no callback that saves, so nothing is kept"


def _end_at_once(trainer: Trainer) -> None:
    launcher = trainer.strategy.launcher
    if launcher is not None and hasattr(launcher, "kill"):
        launcher.kill(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)
