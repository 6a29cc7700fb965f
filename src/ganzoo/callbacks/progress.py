"""A progress bar for a terminal, and lines for a log file."""

import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar, Timer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole

_NARROWEST, _WIDEST = 10, 40
"""Columns of the bar itself."""


@defaults_from("callbacks/progress")
class TrainingProgress(ProgressBar):
    """Shows the generator updates done, the time left, the speed, and the terms that matter.

    On a terminal it is a bar that is redrawn every ``refresh_seconds``, with as many terms as fit
    beside it; elsewhere it prints a line every ``line_seconds``, so that a log file stays readable.
    Lightning's own bars count the batches of an epoch and have none of this, so that nothing of
    theirs but their common base would be left.

    Args:
        refresh_seconds: Seconds from one drawing of the bar to the next, positive.
        line_seconds: Seconds from one line to the next, positive.
        first_line_steps: Generator updates after which the first line comes, however soon: by
            then it is known about when training ends. At least 1.
        terms: Names of the logged values to show, the most important first.
    """

    def __init__(
        self,
        *,
        refresh_seconds: float = FROM_CONFIG,
        line_seconds: float = FROM_CONFIG,
        first_line_steps: int = FROM_CONFIG,
        terms: list[str],
    ) -> None:
        super().__init__()
        check_positive(refresh_seconds=refresh_seconds, line_seconds=line_seconds)
        check_whole(first_line_steps=first_line_steps)
        self.terms = terms
        self.first_line_steps = first_line_steps
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
        self._started = self._shown = self._now = time.monotonic()
        self._first_step = trainer.global_step
        self._total = trainer.estimated_stepping_batches
        self._last_line: list[str] = []
        if self._enabled and self._console.is_terminal:
            fields = (TextColumn("{task.fields[" + name + "]}", table_column=Column(no_wrap=True))
                      for name in ("count", "duration", "terms"))  # fmt: skip
            self._bar = Progress(BarColumn(), *fields, console=self._console, auto_refresh=False)
            total = self._total if math.isfinite(self._total) else None
            self._task = self._bar.add_task("", total=total, count="", duration="", terms="")
            self._bar.start()
            self._draw(self._bar, trainer, "")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show where training is, if it is time."""
        self._now = time.monotonic()
        step = trainer.global_step
        if not self._enabled or step >= self._total:
            return  # the end is shown when all that is measured there is known
        is_first = self._bar is None and step - self._first_step == self.first_line_steps
        if is_first or self._now - self._shown >= self._pause:
            self._shown = self._now
            self._show(trainer, self._left(trainer))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the end."""
        if self._enabled:
            self._show(trainer, f"took {clock(self._now - self._started)}")
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

    def _show(self, trainer: Trainer, duration: str) -> None:
        if self._bar is not None:
            self._draw(self._bar, trainer, duration)
            return
        step, values = f"step {self._count(trainer)}", self._values(trainer)
        if self._last_line != [step, *values]:
            self._last_line = [step, *values]
            parts = [step, self._speed(trainer), duration, *values]
            print("  ".join(filter(None, parts)), file=sys.stderr, flush=True)

    def _draw(self, bar: Progress, trainer: Trainer, duration: str) -> None:
        count = self._count(trainer)
        fixed = len(count) + len(duration) + 3  # a space after each column but the last
        pieces = [*self._values(trainer), self._speed(trainer)]
        terms = "  ".join(fitting(pieces, self._console.width - fixed - _NARROWEST))
        room = self._console.width - fixed - len(terms)
        column = bar.columns[0]
        assert isinstance(column, BarColumn)
        column.bar_width = min(max(room, 1), _WIDEST)
        bar.update(
            self._task,
            completed=trainer.global_step,
            count=count,
            duration=duration,
            terms=terms,
            refresh=True,
        )

    def _values(self, trainer: Trainer) -> list[str]:
        values = trainer.callback_metrics
        return [f"{name} {float(values[name]):.4g}" for name in self.terms if name in values]

    def _count(self, trainer: Trainer) -> str:
        of = f"/{self._total:.0f}" if math.isfinite(self._total) else ""
        return f"{trainer.global_step}{of}"

    def _per_second(self, trainer: Trainer) -> float:
        seconds = max(self._now - self._started, 1e-9)
        return (trainer.global_step - self._first_step) / seconds

    def _speed(self, trainer: Trainer) -> str:
        return f"{self._per_second(trainer):.1f} steps/s"

    def _left(self, trainer: Trainer) -> str:
        """The time until the last step, or until ``max_time``, whichever comes first."""
        per_second = self._per_second(trainer)
        steps = max(self._total - trainer.global_step, 0)
        limits = [steps / per_second] if per_second else []
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Timer) and callback.time_remaining() is not None:
                limits.append(max(callback.time_remaining() or 0.0, 0.0))
        seconds = min(limits, default=math.inf)
        return f"{clock(seconds)} left" if math.isfinite(seconds) else ""


def fitting(pieces: Sequence[str], width: int) -> list[str]:
    """Those of the pieces, in their order, that fit on a line of a width, two spaces apart."""
    chosen: list[str] = []
    for piece in pieces:
        if len("  ".join([*chosen, piece])) <= width:
            chosen.append(piece)
    return chosen


def clock(seconds: float) -> str:
    """A time as hours, minutes and seconds, ``0:01:30``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
