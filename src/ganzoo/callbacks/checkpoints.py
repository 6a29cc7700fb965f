"""Checkpoints of a run: the last two, and the best by an objective."""

import math
from pathlib import Path
from typing import Any
from weakref import proxy

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from ganzoo.checkpoints.resuming import LAST, PREVIOUS, keep_previous, remove_partial_files
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.saving import SaveErrorPolicy

MODES = {"minimize": "min", "maximize": "max"}
"""Lightning's word for each direction."""


@defaults_from("callbacks/checkpoints")
class Checkpoints(ModelCheckpoint):
    """Keeps ``last.ckpt``, the one before it, and ``best.ckpt`` of the best objective so far.

    Those of every so many steps are kept as well, where that is asked for: to measure later how
    training went.

    ``last.ckpt`` is written every ``every_n_steps`` generator updates and when training ends, and
    its forerunner becomes ``previous.ckpt``; ``best.ckpt`` whenever the objective has been measured
    and is better than before. Callbacks that measure come before it, wherever they stand in the
    trainer's list: Lightning calls those that save last.

    It is Lightning's ``ModelCheckpoint`` to all who ask: ``trainer.checkpoint_callback``,
    ``best_model_path``, ``best_model_score``, ``last_model_path``, ``ckpt_path="best"`` and
    ``"last"``, and loggers that upload what was saved. When and how it saves differs. Lightning
    looks for the best only every ``every_n_train_steps``, saves nothing while the objective is
    missing, takes NaN for a best value, keeps no previous checkpoint, and lets one process wait
    for ever where another cannot write.

    What was logged is on the disk before a checkpoint is, and loggers that can continue
    (``resume``) are told the step from which a run goes on: so the measurements of a run that was
    killed and went on are those of one that was not.

    A dry run (``fast_dev_run``) saves nothing.

    Args:
        folder: Where the files go.
        every_n_steps: Generator updates from one ``last.ckpt`` to the next, positive.
        keep_every_n_steps: Generator updates from one ``step_<step>.ckpt``, which stays, to the
            next, positive; None keeps none.
        objective: Name of the logged value that decides which checkpoint is best; Lightning's
            ``monitor``. Where it is never logged, there is no best one.
        direction: ``"minimize"`` or ``"maximize"``.
        on_save_error: What happens when a checkpoint cannot be written.

    Raises:
        InputError: if ``direction`` is another word.
    """

    monitor_is_optional = True

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
        if direction not in MODES:
            raise InputError(f"direction must be minimize or maximize, not {direction!r}")
        super().__init__(
            dirpath=folder,
            filename="best",
            monitor=objective,
            mode=MODES[direction],
            save_last=True,
            every_n_train_steps=every_n_steps,
            save_on_train_epoch_end=False,
            enable_version_counter=False,
        )
        self.every_n_steps, self.keep_every_n_steps = every_n_steps, keep_every_n_steps
        self.on_save_error = on_save_error
        self._seen: Any = None

    @property
    def folder(self) -> Path:
        """Where the files go."""
        return Path(str(self.dirpath))

    @property
    def newest_path(self) -> Path | None:
        """The newest checkpoint there is."""
        paths = (self.folder / LAST, self.folder / PREVIOUS)
        return next((path for path in paths if path.exists()), None)

    @property
    def state_key(self) -> str:
        """Whose state it is in a checkpoint: another objective has another best."""
        return self._generate_state_key(monitor=self.monitor, mode=self.mode)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Agree on the folder; Lightning's own would warn of one that a run goes on in."""
        self.dirpath = trainer.strategy.broadcast(self.dirpath)

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
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._save_if_best(trainer)
        step = trainer.global_step
        if step % self.every_n_steps == 0:
            self._save_last(trainer)
        if self.keep_every_n_steps is not None and step % self.keep_every_n_steps == 0:
            self._save_checkpoint(trainer, str(self.folder / f"step_{step:08d}.ckpt"))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the end of the run."""
        self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Save the run as it is now, as the last and perhaps the best; every process calls this."""
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self._save_if_best(trainer)
            self._save_last(trainer)

    def _save_last(self, trainer: Trainer) -> None:
        last = self.folder / LAST
        if trainer.is_global_zero:
            with self.on_save_error.caught(last):
                keep_previous(last)
        self._save_last_checkpoint(trainer, {})

    def _save_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Write one, whichever it is; a process that cannot tells those that wait for it."""
        for logger in trainer.loggers:
            logger.save()
        reason = None
        try:
            trainer.save_checkpoint(filepath)
        except OSError as error:
            reason = error.strerror or str(error)
            trainer.strategy.barrier("Trainer.save_checkpoint")  # where the others wait
        reason = trainer.strategy.broadcast(reason)
        if reason is not None:
            self.on_save_error.handle(Path(filepath), reason)
            return
        self._last_global_step_saved, self._last_checkpoint_saved = trainer.global_step, filepath
        for logger in trainer.loggers if trainer.is_global_zero else ():
            logger.after_save_checkpoint(proxy(self))

    def _save_if_best(self, trainer: Trainer) -> None:
        assert self.monitor is not None
        measured = trainer.callback_metrics.get(self.monitor)
        if measured is None or measured is self._seen or self._is_between_rows(trainer):
            return
        self._seen = measured
        value = float(measured)
        if math.isfinite(value):
            self._save_monitor_checkpoint(trainer, {self.monitor: torch.tensor(value)})

    def _is_between_rows(self, trainer: Trainer) -> bool:
        """Whether the objective is a term of now that is not logged: nobody waits for it."""
        every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        terms = getattr(trainer.lightning_module, "latest_terms", {})
        return self.monitor in terms and (not every or trainer.global_step % every > 0)

    def state_dict(self) -> dict[str, Any]:
        """The best value so far; no path, as a run's folder may move."""
        return {"best_model_score": self.best_model_score}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the best value of the run that is resumed."""
        score, path = state_dict["best_model_score"], self.format_checkpoint_name({})
        if score is not None:
            self.best_model_score = self.current_score = self.kth_value = score
            self.best_model_path = self.kth_best_model_path = path
            self.best_k_models = {path: score}
