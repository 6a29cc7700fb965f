"""Read a checkpoint file and refuse what is not one of ours."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from ganzoo import __version__
from ganzoo.errors import InputError


def read(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU with ``weights_only=True``.

    Raises:
        InputError: if the file is missing, damaged, holds anything but tensors and plain values,
            was not written by ganzoo, or was written by an incompatible version.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no checkpoint at {path}")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{path} holds more than tensors and plain values: refused") from error
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path} is damaged or is no checkpoint: use another one") from error
    _check_origin(path, checkpoint)
    return checkpoint  # type: ignore[no-any-return]


def _check_origin(path: Path, checkpoint: Any) -> None:
    description = checkpoint.get("ganzoo") if isinstance(checkpoint, dict) else None
    if not isinstance(description, dict) or "state_dict" not in checkpoint:
        raise InputError(f"{path} was not written by ganzoo")
    written_by = str(description.get("version"))
    if written_by.split(".")[:2] != __version__.split(".")[:2]:
        raise InputError(
            f"{path} was written by ganzoo {written_by}, this is {__version__}: "
            f"install lightning-ganzoo=={written_by} to use it"
        )
