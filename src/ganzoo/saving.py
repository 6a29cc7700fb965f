"""What a run does when a file of its own cannot be written."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("ganzoo")


class SaveError(OSError):
    """A checkpoint, a picture or a measurement cannot be written."""


class SaveErrorPolicy(ABC):
    """Decides whether a run goes on without a file that it cannot write."""

    @contextmanager
    def caught(self, path: Path) -> Iterator[None]:
        """Handle the error of the system where the block cannot write ``path``."""
        try:
            yield
        except SaveError:
            raise
        except OSError as error:
            self.handle(path, error.strerror or str(error))

    @abstractmethod
    def handle(self, path: Path, reason: str) -> None:
        """Say that ``path`` cannot be written; go on or stop."""


class StopOnSaveError(SaveErrorPolicy):
    """Ends the run with what cannot be written and why."""

    def handle(self, path: Path, reason: str) -> None:
        """Stop.

        Raises:
            SaveError: always.
        """
        raise SaveError(f"cannot write {path}: {reason}")


class ContinueOnSaveError(SaveErrorPolicy):
    """Says once for each kind of file that it cannot be written, and goes on without it."""

    def __init__(self) -> None:
        self._said: set[tuple[Path, str]] = set()

    def handle(self, path: Path, reason: str) -> None:
        """Warn of the first of the files of this kind in a folder."""
        kind = (path.parent, path.suffix)
        if kind not in self._said:
            self._said.add(kind)
            log.warning(
                "cannot write %s: %s; the run goes on, as callbacks.on_save_error=continue says",
                path,
                reason,
            )
