"""How far long work is: a bar on a terminal, one line with the time it will take elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ganzoo.metrics.processes import rank

# Seconds of work from which an estimate is made, and what is too short to be told of.
_ENOUGH, _SHORT = 0.5, 5.0

log = logging.getLogger("ganzoo")
_told: set[str] = set()

T = TypeVar("T")


def with_progress(items: Iterable[T], *, count: int, work: str) -> Iterator[T]:
    """Go through items and show how far that is, in the first process only.

    On a terminal it is a bar with the time that is left, which goes away at the end. Elsewhere,
    and while another bar is shown, one line is logged as soon as the time can be estimated, once
    for each kind of work, and none for what takes a few seconds.

    Args:
        items: What is gone through.
        count: How many there are.
        work: The work, in words.
    """
    display = _display(work, count)
    try:
        for done, item in enumerate(items, start=1):
            yield item
            display.advance(done)
    finally:
        display.close()


class _Display(Protocol):
    def advance(self, done: int) -> None:
        """So many items are done."""

    def close(self) -> None:
        """All are, or the work was given up."""


class _Nothing:
    def advance(self, done: int) -> None:
        pass

    def close(self) -> None:
        pass


class _Line(_Nothing):
    def __init__(self, work: str, count: int) -> None:
        self.work, self.count = work, count
        self.first = 0.0

    def advance(self, done: int) -> None:
        now = time.monotonic()
        if done == 1:
            self.first = now  # the first one may have taken longer than any other
        elif self.work not in _told and now - self.first >= _ENOUGH:
            left = (now - self.first) / (done - 1) * (self.count - done)
            if left >= _SHORT:
                _told.add(self.work)
                log.info("%s: about %s", self.work, _duration(left))


class _Bar:
    def __init__(self, work: str, count: int, console: Console) -> None:
        columns = (TextColumn(work), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=count)
        self._bar.start()

    def advance(self, done: int) -> None:
        self._bar.update(self._task, completed=done)

    def close(self) -> None:
        self._bar.stop()


def _display(work: str, count: int) -> _Display:
    if rank():
        return _Nothing()
    console = Console(file=sys.stderr)
    if console.is_terminal and not isinstance(sys.stderr, FileProxy):  # which another bar sets
        return _Bar(work, count, console)
    return _Line(work, count)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
