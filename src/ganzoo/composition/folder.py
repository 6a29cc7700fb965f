"""A run's folder."""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ganzoo.errors import InputError

SUMMARY = "summary.json"
RESUME = "last"
"""The word for the newest checkpoint, in ``checkpoint=last``."""
# As Lightning's own launcher, torchrun and SLURM number processes and nodes.
_RANKS = ("LOCAL_RANK", "NODE_RANK", "RANK", "GROUP_RANK", "SLURM_PROCID")
_OWN_FILES = (".hydra", "config.yaml", "train.log", "hparams.yaml", "metrics.csv")
_OWN_FOLDERS = ("samples", "checkpoints")


log = logging.getLogger("ganzoo")


def choose_folder(checkpoint: str | None, latest: str, fresh: str, dry: bool = False) -> str:
    """The folder of the latest run, where that is to go on, or a fresh one.

    Args:
        checkpoint: The setting of that name.
        latest: The link to the latest run's folder.
        fresh: A folder that is not there yet.
        dry: Whether the run is a dry one, which leaves nothing and goes on from nothing.
    """
    goes_on = checkpoint == RESUME and Path(latest).exists() and not dry
    return os.path.relpath(Path(latest).resolve()) if goes_on else fresh


class RunFolder:
    """Where a run keeps its config, pictures, measurements, log and checkpoints.

    Args:
        path: The folder; Hydra has made it.
        latest: A link that shall lead to the folder of the latest run.
    """

    def __init__(self, path: Path, latest: Path) -> None:
        self.path = path.absolute()
        self.latest = latest.absolute()
        self._before: Path | None = None
        self._adopted: Path | None = None
        self.begun = False

    def begin(self, config: DictConfig, checkpoint: Path | None = None) -> None:
        """Write the resolved config and let the latest link lead here.

        Args:
            config: What the run was composed of.
            checkpoint: Where it goes on from. One from elsewhere is copied, so that the run can
                go on from it even before it has saved for the first time.
        """
        self.begun = True
        if not is_first_process():
            return
        if checkpoint is not None and checkpoint.parent != self.checkpoints.resolve():
            from ganzoo.checkpoints.resuming import copy_as_last

            self._adopted = copy_as_last(checkpoint, self.checkpoints)
        try:
            self.path.mkdir(parents=True, exist_ok=True)  # where run_dir was set by hand
            OmegaConf.save(config, self.path / "config.yaml", resolve=True)
        except OSError as error:
            raise InputError(f"cannot write to run_dir={self.path}: {error.strerror}") from error
        if self.latest.parent in self.path.parents:
            self._before = self.latest.resolve() if self.latest.exists() else None
            self._lead_to(self.path)

    @property
    def checkpoints(self) -> Path:
        """Where the checkpoints are."""
        return self.path / "checkpoints"

    def find_checkpoint(self, wanted: str | None) -> Path | None:
        """The checkpoint to go on from, or None to begin.

        Args:
            wanted: A path; ``"last"`` for this run's own newest checkpoint; None for none.

        Raises:
            InputError: if the checkpoints cannot be read.
        """
        from ganzoo.checkpoints.resuming import newest_readable, read_or_previous

        if wanted != RESUME:
            # Resolved, because the link to the latest run will soon lead here.
            return read_or_previous(Path(wanted))[0].resolve() if wanted else None
        found = newest_readable(self.checkpoints)
        if found is None and is_first_process():
            log.warning("there is no checkpoint to go on from in %s: the run begins", self.path)
        return found

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write what a sweep's table shows of this run."""
        if is_first_process():
            text = json.dumps(summary, indent=2, default=str)
            (self.path / SUMMARY).write_text(text + "\n", encoding="utf-8")

    def remove_if_unused(self) -> None:
        """Take back a run that never started; anything not of its own making stays."""
        if not is_first_process() or set(self.path.glob("checkpoints/*.ckpt")) - {self._adopted}:
            return
        if self._adopted is not None:
            _unlink(self._adopted)
        for name in _OWN_FILES:
            target = self.path / name
            shutil.rmtree(target, ignore_errors=True) if target.is_dir() else _unlink(target)
        if self.latest.is_symlink() and self.latest.resolve() == self.path:
            self._lead_to(self._before) if self._before else self.latest.unlink()
        runs = self.latest.parent
        above = [parent for parent in self.path.parents if parent.is_relative_to(runs)]
        for folder in [*(self.path / name for name in _OWN_FOLDERS), self.path, *above]:
            _remove_if_empty(folder)

    def _lead_to(self, folder: Path) -> None:
        aside = self.latest.with_name(f".latest.{os.getpid()}")
        aside.symlink_to(os.path.relpath(folder, self.latest.parent))
        aside.replace(self.latest)


@contextlib.contextmanager
def temporary_folders(cache: Path) -> Iterator[tuple[Path, Path]]:
    """Lend a run folder and a cache that are gone afterwards.

    Args:
        cache: The cache whose files the lent one begins with, as links.
    """
    source = cache.expanduser().absolute()
    with TemporaryDirectory(prefix="ganzoo-") as place:
        run, copy = Path(place) / "run", Path(place) / "cache"
        if source.is_dir():
            shutil.copytree(source, copy, copy_function=os.symlink)
        yield run, copy


def remove_empty_folders(folder: Path) -> None:
    """Take back a folder that holds nothing, and those above it in the current one."""
    here = Path.cwd()
    for place in (folder, *folder.parents):
        if here in place.parents:
            _remove_if_empty(place)


def is_first_process() -> bool:
    """Whether this is the process that writes, among those of a distributed run."""
    return all(os.environ.get(name, "0") == "0" for name in _RANKS)


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _remove_if_empty(folder: Path) -> None:
    if folder != Path.cwd():
        with contextlib.suppress(OSError):
            folder.rmdir()
