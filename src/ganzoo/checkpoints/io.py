"""How Lightning writes and reads checkpoints here."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch.serialization import get_crc32_options, set_crc32_options

from ganzoo.checkpoints.reading import read


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint aside and renames it, so that a kill leaves the one before readable."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write the whole file to the disk, then let it take its name.

        Raises:
            OSError: if it cannot be written; the file of that name stays as it was.
        """
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            _write(checkpoint, aside)
            aside.replace(target)
            _write_out(target.parent)
        finally:
            aside.unlink(missing_ok=True)

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Callable[..., Any] | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint; only tensors and plain values are ever loaded.

        Raises:
            InputError: if it is missing, damaged or not ganzoo's.
        """
        return read(path)


def _write(checkpoint: dict[str, Any], path: Path) -> None:
    with path.open("wb") as file:
        checksums = get_crc32_options()
        set_crc32_options(True)  # reading compares them
        try:
            torch.save(checkpoint, file)
        except RuntimeError as error:  # torch's writer hides what the system said
            system = error.__context__
            raise system if isinstance(system, OSError) else OSError(str(error)) from error
        finally:
            set_crc32_options(checksums)
        file.flush()
        os.fsync(file.fileno())


def _write_out(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
