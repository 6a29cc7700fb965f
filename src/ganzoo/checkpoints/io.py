"""How Lightning writes and reads checkpoints here."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ganzoo.checkpoints.reading import read


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint aside and renames it, so that a kill leaves the one before readable."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Write the whole file to the disk, then let it take its name."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with aside.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
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
