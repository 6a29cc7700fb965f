"""The one place where features and metrics check the type and the range of images."""

import logging
import math
from functools import cache

import torch
from torch import Tensor

from ganzoo.errors import InputError

# How far beyond [-1, 1] an image may reach, as sharp resampling filters take it.
_OVERSHOOT = 0.25
# Images without a value below mid-grey that look like images in [0, 1].
_MANY = 8

log = logging.getLogger("ganzoo")


def to_image_range(samples: Tensor) -> Tensor:
    """Bring images to floating point in [-1, 1], and leave points and features as they are.

    uint8 levels from 0 to 255 become ``level / 127.5 - 1``. Floating point images may overshoot
    the range by a quarter, as resampling does; all that turns them into levels clamps. Images
    that seem to lie in [0, 1] are warned of, once.

    Args:
        samples: ``[B, C, H, W]``; samples of other dimensions, or with a single place as pooled
            features have them, are not images.

    Raises:
        InputError: if images are of another integer type, outside the range or not finite; the
            line says how to scale them.
    """
    if samples.ndim != 4 or samples.shape[2:].numel() == 1:
        return samples
    if samples.dtype == torch.uint8:
        return samples.float().div_(127.5).sub_(1)
    if not samples.is_floating_point():
        raise InputError(
            f"images of type {samples.dtype} have no known range: give them as uint8 levels from "
            "0 to 255, or as floating point in [-1, 1], which is levels / 127.5 - 1"
        )
    if samples.numel():
        low, high = map(float, torch.aminmax(samples.detach()))
        _check_range(low, high, len(samples))
    return samples


def _check_range(low: float, high: float, count: int) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InputError("some of the images are NaN or infinite")
    if low < -1 - _OVERSHOOT or high > 1 + _OVERSHOOT:
        how = "scale levels from 0 to 255 by images / 127.5 - 1"
        if low < 0:
            how = "undo their normalization and scale them to [-1, 1]"
        raise InputError(
            f"images must lie in [-1, 1], these span {low:.3g} to {high:.3g}: {how}, or give them "
            "as uint8"
        )
    if low >= 0 and high > 0.5 and count >= _MANY:
        _warn_of_unit_range()


@cache
def _warn_of_unit_range() -> None:
    log.warning(
        "no image of a batch has a value below 0: images are expected in [-1, 1]; if these are in "
        "[0, 1], scale them by 2 * images - 1"
    )
