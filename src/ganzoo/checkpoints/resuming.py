"""Which checkpoint a run goes on from."""

import contextlib
import logging
import os
import shutil
from pathlib import Path
from typing import Any

from ganzoo.checkpoints.reading import read
from ganzoo.checkpoints.verification import DamagedCheckpoint

LAST, PREVIOUS = "last.ckpt", "previous.ckpt"

log = logging.getLogger("ganzoo")


def read_or_previous(path: Path) -> tuple[Path, dict[str, Any]]:
    """Read a checkpoint, or where a run's last one is damaged, the one before it.

    Returns:
        The file that was read, and what it holds.

    Raises:
        InputError: if there is none that can be read.
    """
    names = (LAST, PREVIOUS) if path.name == LAST else (path.name,)
    *newer, oldest = [p for p in map(path.with_name, names) if p.exists()] or [path]
    for one in newer:
        try:
            return one, read(one)
        except DamagedCheckpoint as error:
            log.warning("%s; trying the one before", error)
    return oldest, read(oldest)


def newest_readable(folder: Path) -> Path | None:
    """The newest checkpoint of a run that can be read, or None where the run has none yet.

    A damaged file is renamed, so that it does not take the place of the one before it.

    Args:
        folder: A run's folder of checkpoints.

    Raises:
        InputError: if none of them can be read.
    """
    last = folder / LAST
    if not last.exists() and not last.with_name(PREVIOUS).exists():
        return None
    path, _ = read_or_previous(last)
    if path != last:
        with contextlib.suppress(OSError):  # another process of the run may have done it
            last.replace(last.with_name(f"{LAST}.damaged"))
    return path


def keep_previous(last: Path) -> None:
    """Let the last checkpoint also bear the name of the one before it, so that a new one may come.

    The file bears both names until the new one takes one of them: a kill leaves two that are whole.
    """
    if not last.exists():
        return
    previous, aside = last.with_name(PREVIOUS), last.with_name(f".{PREVIOUS}.{os.getpid()}")
    try:
        aside.hardlink_to(last)
    except OSError:  # a file system without links
        last.replace(previous)
    else:
        aside.replace(previous)


def copy_as_last(path: Path, folder: Path) -> Path:
    """Copy a checkpoint from elsewhere, so that a run which goes on from it has one of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{LAST}.{os.getpid()}"
    try:
        shutil.copyfile(path, aside)
        return aside.replace(folder / LAST)
    finally:
        aside.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Delete what killed processes have left half written."""
    for aside in folder.glob(".*.ckpt.*"):
        with contextlib.suppress(OSError):
            aside.unlink()
