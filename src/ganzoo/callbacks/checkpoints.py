"""Checkpoints of a run: the last one, and the best by an objective."""

import math
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from ganzoo.errors import InputError, check_positive


class Checkpoints(Checkpoint):
    """Keeps ``last.ckpt``, and ``best.ckpt`` of the best value of the objective so far.

    ``last.ckpt`` is written every ``every_n_steps`` generator updates and when training ends;
    ``best.ckpt`` whenever the objective has been measured and is better than before. Must come
    after the callbacks that measure.

    Args:
        folder: Where the files go.
        every_n_steps: Generator updates from one ``last.ckpt`` to the next, positive.
        objective: Name of the logged value that decides which checkpoint is best.
        direction: ``"minimize"`` or ``"maximize"``.

    Raises:
        InputError: if ``direction`` is another word.
    """

    def __init__(
        self, *, folder: str | Path, every_n_steps: int, objective: str, direction: str
    ) -> None:
        check_positive(every_n_steps=every_n_steps)
        if direction not in {"minimize", "maximize"}:
            raise InputError(f"direction must be minimize or maximize, not {direction!r}")
        self.folder = Path(folder)
        self.every_n_steps = every_n_steps
        self.objective = objective
        self._sign = 1.0 if direction == "minimize" else -1.0
        self.best: float | None = None
        self._best_step = -1
        self._seen: Any = None

    @property
    def last_path(self) -> Path:
        """The checkpoint to resume from."""
        return self.folder / "last.ckpt"

    @property
    def best_path(self) -> Path:
        """The checkpoint with the best objective."""
        return self.folder / "best.ckpt"

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save the last and, after a new measurement, perhaps the best."""
        self._save_if_best(trainer)
        if trainer.global_step % self.every_n_steps == 0:
            trainer.save_checkpoint(self.last_path)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the end of the run."""
        self._save_if_best(trainer)
        trainer.save_checkpoint(self.last_path)

    def _save_if_best(self, trainer: Trainer) -> None:
        measured = trainer.callback_metrics.get(self.objective)
        if measured is None or measured is self._seen:
            return
        self._seen = measured
        value = float(measured)
        if math.isfinite(value) and (
            self.best is None or self._sign * value < self._sign * self.best
        ):
            self.best, self._best_step = value, trainer.global_step
            trainer.save_checkpoint(self.best_path)

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, so that a resumed run goes on from it."""
        return {"best": self.best, "best_step": self._best_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best value of the run that is resumed."""
        self.best, self._best_step = state_dict["best"], state_dict["best_step"]
