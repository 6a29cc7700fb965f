"""Sizes and checks that several data sources share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ganzoo.errors import InputError, check_whole

ImageSize: TypeAlias = int | Sequence[int]
"""Height and width in pixels: one number for both, or ``[height, width]``."""


def picture_shape(*, channels: Any, image_size: Any) -> tuple[int, int, int]:
    """The shape ``(C, H, W)`` of pictures.

    Raises:
        InputError: if ``image_size`` is not one positive whole number or two, or ``channels`` is
            not 1, 2, 3 or 4.
    """
    height, width = _height_and_width(image_size)
    check_channels(channels)
    return channels, height, width


def check_channels(channels: Any, setting: str = "channels") -> None:
    """Refuse numbers of channels that pictures do not have.

    Args:
        channels: What was given.
        setting: What names it, for the message.

    Raises:
        InputError: if it is not 1, 2, 3 or 4.
    """
    if isinstance(channels, bool) or channels not in (1, 2, 3, 4):
        raise InputError(
            f"{setting} must be 1 (grey), 3 (colour), or 2 and 4 (the same with transparency), not "
            f"{channels!r}: set dataset.{setting}"
        )


def _height_and_width(image_size: Any) -> tuple[int, int]:
    if isinstance(image_size, Sequence) and not isinstance(image_size, str):
        if len(image_size) != 2:
            raise InputError(
                f"image_size must be one number or [height, width], not {list(image_size)}"
            )
        height, width = image_size
    else:
        height = width = image_size
    check_whole(image_size=height)
    check_whole(image_size=width)
    return height, width


def proportional(high: int, wide: int, height: int, width: int) -> tuple[int, int]:
    """Height and width of the largest part of ``high x wide`` with the proportions of the other."""
    if wide * height > high * width:
        return high, max(1, round(high * width / height))
    return max(1, round(wide * height / width)), wide


def check_root(root: Any, setting: str = "dataset.root") -> Path:
    """Return the absolute path of a folder, which need not exist.

    Args:
        root: What was given.
        setting: What names it, for the message.

    Raises:
        InputError: if there is no name.
    """
    if root is None or not str(root):
        raise InputError(f"{setting.partition('.')[2]} must name a folder: set {setting}")
    return Path(str(root)).expanduser().absolute()


def one_line(error: BaseException) -> str:
    """Return the message of an error, or its kind where it has none, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
