"""Checkpoints of a run: the last two, and the best by an objective."""

import math
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from ganzoo.checkpoints.resuming import LAST, PREVIOUS, keep_previous, remove_partial_files
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.saving import SaveErrorPolicy


@defaults_from("callbacks/checkpoints")
class Checkpoints(Checkpoint):
    """Keeps ``last.ckpt``, the one before it, and ``best.ckpt`` of the best objective so far.

    Those of every so many steps are kept as well, where that is asked for: to measure later how
    training went.

    ``last.ckpt`` is written every ``every_n_steps`` generator updates and when training ends, and
    its forerunner becomes ``previous.ckpt``; ``best.ckpt`` whenever the objective has been measured
    and is better than before. Must come after the callbacks that measure.

    What was logged is on the disk before a checkpoint is, and loggers that can continue
    (``resume``) are told the step from which a run goes on: so the measurements of a run that was
    killed and went on are those of one that was not.

    A dry run (``fast_dev_run``) saves nothing.

    Args:
        folder: Where the files go.
        every_n_steps: Generator updates from one ``last.ckpt`` to the next, positive.
        keep_every_n_steps: Generator updates from one ``step_<step>.ckpt``, which stays, to the
            next, positive; None keeps none.
        objective: Name of the logged value that decides which checkpoint is best.
        direction: ``"minimize"`` or ``"maximize"``.
        on_save_error: What happens when a checkpoint cannot be written.

    Raises:
        InputError: if ``direction`` is another word.
    """

    def __init__(
        self,
        *,
        folder: str | Path,
        every_n_steps: int = FROM_CONFIG,
        keep_every_n_steps: int | None = FROM_CONFIG,
        objective: str,
        direction: str,
        on_save_error: SaveErrorPolicy = FROM_CONFIG,
    ) -> None:
        check_whole(every_n_steps=every_n_steps)
        if keep_every_n_steps is not None:
            check_whole(keep_every_n_steps=keep_every_n_steps)
        if direction not in {"minimize", "maximize"}:
            raise InputError(f"direction must be minimize or maximize, not {direction!r}")
        self.folder = Path(folder)
        self.every_n_steps, self.keep_every_n_steps = every_n_steps, keep_every_n_steps
        self.objective = objective
        self.on_save_error = on_save_error
        self._sign = 1.0 if direction == "minimize" else -1.0
        self.best: float | None = None
        self._best_step = -1
        self._seen: Any = None

    @property
    def last_path(self) -> Path:
        """The checkpoint to resume from."""
        return self.folder / LAST

    @property
    def newest_path(self) -> Path | None:
        """The newest checkpoint there is."""
        paths = (self.last_path, self.folder / PREVIOUS)
        return next((path for path in paths if path.exists()), None)

    @property
    def best_path(self) -> Path:
        """The checkpoint with the best objective."""
        return self.folder / "best.ckpt"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Clear away what a killed process has left, and what it has logged too much."""
        if trainer.is_global_zero:
            remove_partial_files(self.folder)
            for logger in trainer.loggers:
                if hasattr(logger, "resume"):
                    logger.resume(trainer.global_step)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save the last and, after a new measurement, perhaps the best."""
        self._save_if_best(trainer)
        step = trainer.global_step
        if step % self.every_n_steps == 0:
            self.save_last(trainer)
        if self.keep_every_n_steps is not None and step % self.keep_every_n_steps == 0:
            self._save(trainer, self.folder / f"step_{step:08d}.ckpt")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the end of the run."""
        self._save_if_best(trainer)
        self.save_last(trainer)

    def save_last(self, trainer: Trainer) -> None:
        """Save the run as it is now; every process must call this."""
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            with self.on_save_error.caught(self.last_path):
                keep_previous(self.last_path)
        self._save(trainer, self.last_path)

    def _save(self, trainer: Trainer, path: Path) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        for logger in trainer.loggers:
            logger.save()
        reason = None
        try:
            trainer.save_checkpoint(path)
        except OSError as error:
            reason = error.strerror or str(error)
            trainer.strategy.barrier("Trainer.save_checkpoint")  # where the others wait
        reason = trainer.strategy.broadcast(reason)
        if reason is not None:
            self.on_save_error.handle(path, reason)

    def _save_if_best(self, trainer: Trainer) -> None:
        measured = trainer.callback_metrics.get(self.objective)
        if measured is None or measured is self._seen or self._is_between_rows(trainer):
            return
        self._seen = measured
        value = float(measured)
        if math.isfinite(value) and (
            self.best is None or self._sign * value < self._sign * self.best
        ):
            self.best, self._best_step = value, trainer.global_step
            self._save(trainer, self.best_path)

    def _is_between_rows(self, trainer: Trainer) -> bool:
        """Whether the objective is a term of now that is not logged: nobody waits for it."""
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        terms = getattr(trainer.lightning_module, "latest_terms", {})
        return self.objective in terms and (not every or trainer.global_step % every > 0)

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, so that a resumed run goes on from it."""
        return {"best": self.best, "best_step": self._best_step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best value of the run that is resumed."""
        self.best, self._best_step = state_dict["best"], state_dict["best_step"]
