"""Read files of weights in three formats: pickles, and torch's two."""

import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.checkpoints.verification import verify
from ganzoo.errors import InputError
from ganzoo.foreign_weights.unpickling import (
    Storage,
    described_storage,
    numbers,
    read_old_format,
    unpickle,
)

ZIP = b"PK\3\4"
PICKLE = b"\x80"
OLD_FORMAT = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""The pickle of a number that torch's format before 1.6 starts with."""


def read(path: Path) -> Any:
    """Read a file of weights, without running or looking up anything that it names.

    Returns:
        Plain values, dictionaries, and stand-ins of objects and tensors
        (:mod:`ganzoo.foreign_weights.unpickling`).

    Raises:
        InputError: if there is no such file, it is damaged or of no such format, or holds anything
            that weights do not need.
    """
    if not path.is_file():
        raise InputError(f"there is no file of weights at {path}")
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except InputError as error:
        line = str(error)
        raise InputError(line if line.startswith(str(path)) else f"{path} {line}") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except Exception as error:  # crafted bytes can make the unpickler raise anything
        raise InputError(
            f"{path} is damaged, or holds more than weights: refused ({type(error).__name__})"
        ) from error


def _read(file: BinaryIO, path: Path) -> Any:
    start = file.read(len(OLD_FORMAT))
    file.seek(0)
    if sys.byteorder != "little":
        raise InputError("can be read on little-endian machines only")
    if start.startswith(ZIP):
        verify(file, path)
        return _read_archive(zipfile.ZipFile(file))
    if start == OLD_FORMAT:
        return read_old_format(file)
    if start.startswith(PICKLE):
        return unpickle(file)
    raise InputError("is neither a pickle nor a file that torch.save wrote")


def _read_archive(archive: zipfile.ZipFile) -> Any:
    """What ``torch.save`` writes since torch 1.6: a pickle, and a member for each storage."""
    names = set(archive.namelist())
    (main,) = (name for name in names if name.count("/") == 1 and name.endswith("/data.pkl"))
    folder = main.partition("/")[0]
    order = f"{folder}/byteorder"
    if order in names and archive.read(order) != b"little":
        raise InputError("holds numbers in the order of another machine")

    def find_storage(identity: Any) -> Storage:
        key, dtype, count = described_storage(identity)
        content = archive.read(f"{folder}/data/{key}")
        if len(content) != count * dtype.itemsize:
            raise pickle.UnpicklingError("a storage of another size")
        return Storage(numbers(content, dtype))

    with archive.open(main) as member:
        return unpickle(member, find_storage)  # type: ignore[arg-type]
