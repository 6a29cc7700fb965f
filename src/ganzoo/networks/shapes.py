"""What networks ask of the shapes they are given, and how they refuse others."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from torch import Tensor

from ganzoo.errors import InputError

# Of the smallest maps: where halving stops, and what a linear layer can still take.
SMALLEST_SIDE, LARGEST_SIDE = 3, 32
# Of networks that double 4x4 maps: images of 8 pixels are one doubling of them.
LEAST_LEVELS, MOST_LEVELS = 1, 16


def check_shape(owner: object, shape: Sequence[int]) -> None:
    """Refuse shapes that are neither points [D] nor images [C, H, W].

    Raises:
        InputError: naming the network and the shape.
    """
    whole = all(isinstance(size, int) and size > 0 for size in shape)
    if len(shape) not in (1, 3) or not whole:
        raise InputError(
            f"{type(owner).__name__} works on points [D] or images [C, H, W] of positive sizes,"
            f" not {list(shape)}"
        )


def check_image_shape(owner: object, shape: Sequence[int]) -> None:
    """Refuse shapes that are not images [C, H, W].

    Raises:
        InputError: naming the network and the shape.
    """
    check_shape(owner, shape)
    if len(shape) == 1:
        raise InputError(
            f"{type(owner).__name__} works on images, not points [{shape[0]}]: choose network=mlp"
        )


class Levels(NamedTuple):
    """How often the height and the width of images are halved, and what is left.

    Attributes:
        halvings: How often.
        base: Height and width of the smallest maps.
    """

    halvings: int
    base: tuple[int, int]


def levels_of(size: Sequence[int], least: int, most: int) -> Levels | None:
    """Halve a height and a width together, down to maps of which the smaller side is 3 to 5.

    Images of 32 and 64 pixels end at 4x4 maps, of 48x64 at 3x4. Where that is reached before
    ``least`` halvings, the smaller side may become 2, and where a side is odd, or after ``most``
    halvings, the maps stay larger, up to 32.

    Returns:
        None where that cannot be.
    """
    count, (height, width) = 0, size
    while count < most and height % 2 == width % 2 == 0:
        half = min(height, width) // 2
        if half < (2 if count < least else SMALLEST_SIDE):
            break
        count, height, width = count + 1, height // 2, width // 2
    fits = count >= least and max(height, width) <= LARGEST_SIDE
    return Levels(count, (height, width)) if fits else None


def image_levels(owner: object, shape: Sequence[int], *, least: int, most: int) -> Levels:
    """Find the levels of a network of images [C, H, W]; H and W may differ.

    Args:
        owner: The network.
        shape: Of its images.
        least: The fewest halvings that make a network.
        most: The most that it has.

    Raises:
        InputError: if these are no images, or of another size, naming the nearest that work.
    """
    check_image_shape(owner, shape)
    found = levels_of(shape[1:], least, most)
    if found is None:
        raise InputError(
            f"{type(owner).__name__} works on images whose height and width can be halved together "
            f"{least} times or more, to between 2 and {LARGEST_SIDE} pixels, not "
            f"{shape[1]}x{shape[2]}: {_remedy(shape[1], shape[2], least, most)}choose network=mlp"
        )
    return found


def _remedy(height: int, width: int, least: int, most: int) -> str:
    """The settings of the nearest sizes, of the same proportions before others."""
    unit, square = 2**least, height == width
    heights, widths = (
        [value // unit * unit + steps * unit for steps in range(-2, 4)] for value in (height, width)
    )
    fitting = [
        (abs(h - height) + abs(w - width), abs(h * width - w * height), h, w)
        for h, w in (zip(heights, widths, strict=True) if square else product(heights, widths))
        if min(h, w) > 0 and levels_of((h, w), least, most)
    ]
    words = [str(h) if h == w else f"[{h},{w}]" for *_, h, w in sorted(fitting)[:2]]
    return f"set dataset.image_size={' or '.join(words)}, or " if words else ""


def check_batch(owner: object, batch: Tensor, shape: tuple[int, ...]) -> None:
    """Refuse a batch whose samples have another shape than the network was built for.

    Raises:
        InputError: naming both shapes.
    """
    if batch.shape[1:] != shape:
        raise InputError(
            f"{type(owner).__name__} was built for batches [B, {', '.join(map(str, shape))}],"
            f" not {list(batch.shape)}"
        )


def check_images(owner: object, batch: Tensor, channels: int) -> None:
    """Refuse a batch that is not images [B, C, H, W] of the channels a network was built for.

    Raises:
        InputError: naming both.
    """
    if batch.dim() != 4 or batch.shape[1] != channels:
        raise InputError(
            f"{type(owner).__name__} was built for images [B, {channels}, H, W],"
            f" not {list(batch.shape)}"
        )
