"""When one process of a run fails: which was the first, and no process is left behind."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

import torch
import torch.distributed
from torch.distributed.distributed_c10d import _get_default_store

FIRST_SECONDS = 5.0
"""Seconds in which the other processes of a failed run may end by themselves."""
LAST_SECONDS = 30.0
"""Seconds after which a failed process ends, whatever it is doing."""
LAUNCHER = "GANZOO_LAUNCHER"
"""Environment variable with the process that launches the others of its node."""

Children = Sequence["subprocess.Popen[bytes]"]


class LostProcessError(RuntimeError):
    """Another process of the run has ended, so this one could not go on."""


class Failures:
    """What the processes of one run tell one another when something fails.

    When a process ends, the others learn of it as an error in whatever they were sending. Each
    writes down its failure where all can read it, so that such an error can name the process
    that failed first.

    Args:
        rank: This process's number.
        world_size: Number of processes; each of them makes one of these when a run begins.
    """

    def __init__(self, rank: int, world_size: int) -> None:
        self._rank, self._world_size = rank, world_size
        self._store = _get_default_store()
        run = (self._store.add("ganzoo/processes", 1) - 1) // world_size
        self._first, self._count = (f"ganzoo/{run}/{name}" for name in ("first", "failed"))

    def report(self) -> int:
        """Write down that this process fails; return the rank of the first that did."""
        with contextlib.suppress(RuntimeError):
            first = self._store.compare_set(self._first, "", str(self._rank))
            self._store.add(self._count, 1)
            return int(first)
        return 0  # the process that keeps the store has gone

    def all_reported(self) -> bool:
        """Whether every process fails by itself, so that none waits for another."""
        with contextlib.suppress(RuntimeError):
            return bool(self._store.add(self._count, 0) >= self._world_size)
        return False


def is_lost_connection(error: BaseException) -> bool:
    """Whether an error may be what other processes notice when one of them ends."""
    return type(error) is RuntimeError or isinstance(error, torch.distributed.DistError)


def name_lost_connection(error: BaseException, cause: str | None) -> str | None:
    """Let a lost connection say what caused it; any other error is the process's own.

    Returns:
        The cause, where the error was a lost connection.
    """
    if cause is None or not is_lost_connection(error):
        return None
    error.args = (f"{cause} (noticed as: {str(error).partition('. ')[0]})",)
    return cause


def failed_child(children: Children, first_rank: int) -> str | None:
    """Say which child a signal or an error code has ended, waiting a moment for it."""
    deadline = time.monotonic() + 1.0
    while children and time.monotonic() < deadline:
        for rank, child in enumerate(children, start=first_rank):
            code = child.poll()
            if code and code < 0:
                return f"rank {rank} was ended by signal {-code} ({signal.strsignal(-code)})"
            if code:
                return f"rank {rank} ended with code {code}"
        time.sleep(0.05)
    return None


def end_children(children: Children, failures: Failures) -> None:
    """Let children end, and after ``FIRST_SECONDS`` end those that wait for the others."""
    deadline = time.monotonic() + FIRST_SECONDS
    while any(child.poll() is None for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in children:
        if child.poll() is None and not failures.all_reported():
            child.kill()
            child.wait()


def end_after_limit(failures: Failures) -> None:
    """End this process after ``LAST_SECONDS``, should it hang where others wait for it to end."""

    def end_now() -> None:
        if not failures.all_reported():
            os._exit(1)

    timer = threading.Timer(LAST_SECONDS, end_now)
    timer.daemon = True
    timer.start()


class Launcher:
    """The process that has launched this one, if any: without it this one ends too.

    A process that is killed cannot end the others, and one of them may be busy for long before
    it next sends anything.

    Args:
        local_rank: This process's number on its node; the first is launched by nobody.
    """

    def __init__(self, local_rank: int) -> None:
        self._pid = int(os.environ.get(LAUNCHER, 0)) if local_rank > 0 else 0
        self._is_parent = self._pid == os.getppid()
        self._left_alone = threading.Event()
        if self._pid:
            threading.Thread(target=self._follow, daemon=True, name="follow-launcher").start()

    @property
    def has_gone(self) -> bool:
        """Whether there was one and it has ended."""
        if self._is_parent:
            return self._pid != os.getppid()
        return self._pid > 0 and not _exists(self._pid)

    def leave(self) -> None:
        """Go on without it."""
        self._left_alone.set()

    def _follow(self) -> None:
        while not self.has_gone:
            if self._left_alone.wait(1.0):
                return
        if not self._left_alone.wait(FIRST_SECONDS):  # in which it may say what went wrong
            os._exit(1)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
