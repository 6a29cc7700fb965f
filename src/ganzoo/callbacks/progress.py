"""A progress bar for a terminal, and lines for a log file."""

import math
import sys
import time
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar, Timer
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task
from rich.text import Text

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole

_NARROWEST, _WIDEST = 10, 40
"""Columns of the bar itself."""
_BETWEEN = "  "


@defaults_from("callbacks/progress")
class TrainingProgress(RichProgressBar):
    """Shows the generator updates done, the time left, the terms that matter, and the speed.

    On a terminal it is Lightning's bar, of the whole run instead of an epoch, drawn every
    ``refresh_seconds`` instead of after every batch, with as many terms as fit beside it.
    Elsewhere, where Lightning's cannot be read, it prints a line every ``line_seconds``.

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
        theme = RichProgressBarTheme(metrics_text_delimiter=_BETWEEN)
        super().__init__(theme=theme, console_kwargs={"stderr": True})
        check_positive(refresh_seconds=refresh_seconds, line_seconds=line_seconds)
        check_whole(first_line_steps=first_line_steps)
        self.terms = terms
        self.first_line_steps = first_line_steps
        self._is_terminal = Console(stderr=True).is_terminal
        self._pause = refresh_seconds if self._is_terminal else line_seconds
        self._shown_values: dict[str, str] = {}

    @property
    def is_enabled(self) -> bool:
        """Whether a bar is drawn: by the first process, on a terminal."""
        return super().is_enabled and self._is_terminal

    def configure_columns(self, trainer: Trainer) -> list[ProgressColumn]:
        """In training the bar and what is known of the run; the values come after it."""
        columns: list[ProgressColumn] = super().configure_columns(trainer)
        return [columns[1], _Position()] if trainer.training else columns

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """The values beside the bar, as text."""
        return dict(self._shown_values)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the empty bar."""
        super().on_train_start(trainer, pl_module)
        self._started = self._shown = self._now = time.monotonic()
        self._first_step = trainer.global_step
        self._total = trainer.estimated_stepping_batches
        if self.is_enabled and self.progress is not None:
            self.train_progress_bar_id = self.progress.add_task("", total=self._total, position="")
            self._show(trainer, "")

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the bar of the run."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the bar of the run."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show where training is, if it is time."""
        self._now = time.monotonic()
        step = trainer.global_step
        if step >= self._total:
            return  # the end is shown when all that is measured there is known
        is_first = not self._is_terminal and step - self._first_step == self.first_line_steps
        if is_first or self._now - self._shown >= self._pause:
            self._shown = self._now
            self._show(trainer, self._left(trainer))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the end."""
        self._show(trainer, f"took {clock(self._now - self._started)}")
        self._stop_progress()

    def _show(self, trainer: Trainer, duration: str) -> None:
        if self.is_enabled:
            self._draw(trainer, f"{self._count(trainer)} {duration}")
        elif self._enabled:
            parts = [f"step {self._count(trainer)}", duration, text_of(self._values(trainer))]
            print(_BETWEEN.join(filter(None, parts)), file=sys.stderr, flush=True)

    def _draw(self, trainer: Trainer, position: str) -> None:
        assert self.progress is not None and self.train_progress_bar_id is not None
        room = self.progress.console.width - len(position) - 2  # a space after two of the columns
        self._shown_values = fitting(self._values(trainer), room - _NARROWEST)
        self._update_metrics(trainer, trainer.lightning_module)
        bar = self.progress.columns[0]
        assert isinstance(bar, BarColumn)
        bar.bar_width = min(max(room - len(text_of(self._shown_values)), 1), _WIDEST)
        self.progress.update(
            self.train_progress_bar_id, completed=trainer.global_step, position=position
        )
        self.progress.refresh()

    def _values(self, trainer: Trainer) -> dict[str, str]:
        """The terms and the speed, as text."""
        logged = trainer.callback_metrics
        terms = {name: f"{float(logged[name]):.4g}" for name in self.terms if name in logged}
        return terms | {"steps/s": f"{self._per_second(trainer):.1f}"}

    def _count(self, trainer: Trainer) -> str:
        of = f"/{self._total:.0f}" if math.isfinite(self._total) else ""
        return f"{trainer.global_step}{of}"

    def _per_second(self, trainer: Trainer) -> float:
        seconds = max(self._now - self._started, 1e-9)
        return (trainer.global_step - self._first_step) / seconds

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


class _Position(ProgressColumn):
    """Where a run is, in words; of validation within it Lightning says only how many batches."""

    def render(self, task: Task) -> Text:
        return Text(task.fields.get("position", f"{task.completed:.0f}/{task.total:.0f}"))


def text_of(values: Mapping[str, str]) -> str:
    """Values with their names, on one line."""
    return _BETWEEN.join(f"{name}: {value}" for name, value in values.items())


def fitting(values: Mapping[str, str], width: int) -> dict[str, str]:
    """Those of the values, in their order, that fit on a line of a width."""
    chosen: dict[str, str] = {}
    for name, value in values.items():
        if len(text_of(chosen | {name: value})) <= width:
            chosen[name] = value
    return chosen


def clock(seconds: float) -> str:
    """A time as hours, minutes and seconds, ``0:01:30``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
