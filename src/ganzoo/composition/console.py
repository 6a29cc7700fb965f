"""How a command ends when nobody reads it any more, or when it is interrupted."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import ganzoo

_CLOSED_PIPE = 128 + 13  # SIGPIPE, which not every system names


@contextmanager
def ending_quietly() -> Iterator[None]:
    """End without a stack trace where output is cut off, as by ``| head``, or at Ctrl-C."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be announced when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_CLOSED_PIPE)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def exit_with(line: str) -> None:
    """Say in one line what is wrong, and end with code 1."""
    print(f"ganzoo: {line}", file=sys.stderr)
    sys.exit(1)


def print_version() -> None:
    """The library's name and version."""
    print(f"ganzoo {ganzoo.__version__}")
