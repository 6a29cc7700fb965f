"""A progress bar for a terminal, and lines for a log file."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive


@defaults_from("callbacks/progress")
class TrainingProgress(ProgressBar):
    """Shows the generator updates done, their speed, and the terms that matter.

    On a terminal it is a bar that is redrawn every ``refresh_seconds``; elsewhere it prints a
    line every ``line_seconds``, so that a log file stays readable.

    Args:
        refresh_seconds: Seconds from one drawing of the bar to the next, positive.
        line_seconds: Seconds from one line to the next, positive.
        terms: Names of the logged values to show.
    """

    def __init__(
        self,
        *,
        refresh_seconds: float = FROM_CONFIG,
        line_seconds: float = FROM_CONFIG,
        terms: list[str],
    ) -> None:
        super().__init__()
        check_positive(refresh_seconds=refresh_seconds, line_seconds=line_seconds)
        self.terms = terms
        self._console = Console(file=sys.stderr)
        self._pause = refresh_seconds if self._console.is_terminal else line_seconds
        self._enabled = True
        self._bar: Progress | None = None

    def disable(self) -> None:
        """Show nothing (Lightning calls it on all processes but the first)."""
        self._enabled = False

    def enable(self) -> None:
        """Show again."""
        self._enabled = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the empty bar."""
        self._started = self._shown = time.monotonic()
        self._first_step = trainer.global_step
        if self._enabled and self._console.is_terminal:
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[terms]}"),
                console=self._console,
                auto_refresh=False,
            )
            total = trainer.max_steps if trainer.max_steps > 0 else None
            self._task = self._bar.add_task("", total=total, terms="", completed=self._first_step)
            self._bar.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show where training is, if it is time."""
        now = time.monotonic()
        if self._enabled and now - self._shown >= self._pause:
            self._shown = now
            self._show(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the end."""
        if self._enabled:
            self._show(trainer)
        self.close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal as it was."""
        self.close()

    def close(self) -> None:
        """Stop drawing."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _show(self, trainer: Trainer) -> None:
        values = trainer.callback_metrics
        shown = [f"{name} {float(values[name]):.4g}" for name in self.terms if name in values]
        step = trainer.global_step
        if self._bar is not None:
            self._bar.update(self._task, completed=step, terms="  ".join(shown), refresh=True)
            return
        speed = (step - self._first_step) / max(time.monotonic() - self._started, 1e-9)
        of = f"/{trainer.max_steps}" if trainer.max_steps > 0 else ""
        parts = [f"step {step}{of}", f"{speed:.1f} steps/s", *shown]
        print("  ".join(parts), file=sys.stderr, flush=True)
