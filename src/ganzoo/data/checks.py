"""Checks that several data sources share."""

from pathlib import Path
from typing import Any

from ganzoo.errors import InputError, check_whole


def check_picture(*, channels: Any, image_size: Any) -> None:
    """Refuse sizes and numbers of channels that no picture can have.

    Raises:
        InputError: if ``image_size`` is not a positive whole number or ``channels`` not 1 or 3.
    """
    check_whole(image_size=image_size)
    if isinstance(channels, bool) or channels not in (1, 3):
        raise InputError(f"channels must be 1 (grey) or 3 (colour), not {channels!r}")


def check_root(root: Any) -> Path:
    """Return the absolute path of a folder, which need not exist.

    Raises:
        InputError: if there is no name.
    """
    if root is None or not str(root):
        raise InputError("root must name a folder: set dataset.root")
    return Path(str(root)).expanduser().absolute()


def one_line(error: BaseException) -> str:
    """Return the message of an error, or its kind where it has none, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
