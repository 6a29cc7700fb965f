"""How far an evaluation is: a bar on a terminal, lines in a log file."""

import logging
import sys
import time
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from ganzoo.metrics.populations import Population

_LINE_SECONDS = 10

log = logging.getLogger("ganzoo")


class Samples:
    """Counts the samples that are made.

    Args:
        total: How many will be.
    """

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._said = time.monotonic()
        console = Console(file=sys.stderr)
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = TextColumn("samples"), BarColumn(), MofNCompleteColumn()
            self._bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
            self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> "Samples":
        """Show an empty bar."""
        if self._bar is not None:
            terminal = sys.stderr
            self._bar.start()
            _redirect(terminal, sys.stderr)  # rich's own, which writes above the bar
            self._terminal = terminal
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            _redirect(sys.stderr, self._terminal)
            self._bar.stop()

    def advance(self, count: int) -> None:
        """So many more are made."""
        self._done += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
        elif time.monotonic() - self._said >= _LINE_SECONDS:
            self._said = time.monotonic()
            log.info("%d of %d samples", self._done, self._total)


class Counted:
    """A population whose samples are counted as they are made.

    Args:
        population: The samples.
        progress: Who counts.
    """

    def __init__(self, population: Population, progress: Samples) -> None:
        self._population, self._progress = population, progress
        self.labels: Tensor | None = population.labels

    def __len__(self) -> int:
        """How many there are."""
        return len(self._population)

    def part(self, start: int, stop: int) -> Tensor:
        """Some of them."""
        made = self._population.part(start, stop)
        self._progress.advance(len(made))
        return made


def _redirect(before: TextIO, after: TextIO) -> None:
    """Let log lines that go to one stream go to another."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is before:
            handler.setStream(after)
