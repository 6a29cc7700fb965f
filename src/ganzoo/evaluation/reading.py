"""Read stored samples, whatever they are stored in."""

import logging
from collections.abc import Sequence
from pathlib import Path

from ganzoo.errors import InputError
from ganzoo.evaluation.arrays import read_arrays
from ganzoo.evaluation.folders import read_folder
from ganzoo.evaluation.stored import StoredSamples

log = logging.getLogger("ganzoo")


def read_stored(
    path: Path, *, shape: Sequence[int] | None = None, size: tuple[int, int] | None = None
) -> StoredSamples:
    """Read samples.

    Args:
        path: A folder of pictures, or an .npz file.
        shape: What images become, ``(C, H, W)``; None for the channels that they have.
        size: Without a shape, their height and width; None for the size that all of them have.

    Raises:
        InputError: if it is missing, is neither, or cannot be read.
    """
    if not path.exists():
        raise InputError(f"there is no folder or file {path}")
    log.info("reading %s", path)
    if path.is_dir():
        return read_folder(path, shape=shape, size=size)
    if path.suffix != ".npz":
        advice = ": write checkpoint=PATH" if path.suffix == ".ckpt" else ""
        raise InputError(f"{path} is neither a folder of pictures nor an .npz file{advice}")
    return read_arrays(path, shape=shape, size=size)
