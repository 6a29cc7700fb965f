"""Samples from an .npz file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ganzoo.data.images import to_model_range
from ganzoo.errors import InputError
from ganzoo.evaluation.folders import StoredPictures
from ganzoo.evaluation.stored import StoredSamples

_SAMPLES = ("samples", "arr_0")
_LABELS = ("labels", "arr_1")
_NAMES = "class_names"
"""``arr_0`` and ``arr_1`` are numpy's own names, which the files of others use."""
_CHANNELS = ((1, 3), (2, 4))  # the usual numbers first
_ROUNDING = 1e-3

Array = npt.NDArray[Any]


def read_arrays(
    path: Path,
    *,
    shape: Sequence[int] | None = None,
    size: tuple[int, int] | None = None,
) -> StoredSamples:
    """Read ``samples`` (or ``arr_0``, or the only array) and, if there are any, ``labels``.

    Images are ``[N, H, W, C]`` (as ``ganzoo.sample`` writes them), ``[N, H, W]`` or
    ``[N, C, H, W]``; where both the second and the last size could be channels, the last one is.
    Whole numbers are levels up to 255, or up to 65,535; floating point ones are from -1 to 1, or,
    where none is negative, from 0 to 1 or to 255. Points are floating point ``[N, D]``.
    Labels are whole numbers or names ``[N]``; with ``class_names`` ``[K]`` numbers have names.

    Args:
        path: The file.
        shape: What images become, ``(C, H, W)``; None for the channels that they have.
        size: Without a shape, their height and width; None leaves these as they are.

    Raises:
        InputError: if the file is damaged, has no ``samples``, or holds others than these.
    """
    arrays = _load(path)
    samples = _samples(arrays, path)
    labels = next((arrays[name] for name in _LABELS if name in arrays), None)
    classes = _classes(labels, arrays.get(_NAMES), len(samples), path)
    if np.issubdtype(samples.dtype, np.floating) and samples.ndim == 2:
        return StoredSamples(path, _points(samples, path), classes)
    images, scaling = _levels(_channels_last(samples, path), path)
    own = (images.shape[3], *images.shape[1:3])
    wanted = tuple(shape or (own[0], *(size or own[1:])))
    if own != wanted:
        converted, changes = _converted(images, wanted, path)
        return StoredSamples(path, to_model_range(converted), classes, scaling | changes)
    channels_first = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1)))
    return StoredSamples(path, to_model_range(channels_first), classes, scaling)


def holds_points(path: Path) -> bool:
    """Whether the samples in a file are points, as far as it can be read."""
    try:
        return path.suffix == ".npz" and _samples(_load(path), path).ndim == 2
    except InputError:
        return False


def _load(path: Path) -> Mapping[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            wanted = {*_SAMPLES, *_LABELS, _NAMES}
            wanted |= set(stored.files) if len(stored.files) == 1 else set()
            nothing = np.empty(0)
            return {
                name: np.atleast_1d(stored[name]) if name in wanted else nothing
                for name in stored.files
            }
    except Exception as error:  # a damaged archive makes numpy raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read as an .npz file: {reason}") from error


def _samples(arrays: Mapping[str, Array], path: Path) -> Array:
    names = [*_SAMPLES, *(arrays if len(arrays) == 1 else ())]
    found = next((arrays[name] for name in names if name in arrays), None)
    if found is None:
        others = ", ".join(sorted(arrays)) or "nothing"
        raise InputError(f"{path} has no array `samples`, it holds {others}")
    if not len(found):
        raise InputError(f"there are no samples in {path}")
    return found


def _points(samples: Array, path: Path) -> Tensor:
    with np.errstate(over="ignore"):
        points = samples.astype(np.float32)
    _check_finite(points, path)
    return torch.from_numpy(points)


def _converted(images: Array, shape: Sequence[int], path: Path) -> tuple[Tensor, dict[str, Any]]:
    """uint8 images ``[N, C, H, W]`` of another shape, and what was done to them."""
    items = [image[..., 0] if image.shape[2] == 1 else image for image in images]
    pictures = StoredPictures(str(path), items, Image.fromarray, shape)
    converted, _ = pictures.decode_all()
    return converted, pictures.conversions.plain()


def _channels_last(samples: Array, path: Path) -> Array:
    """Images ``[N, H, W, C]``."""
    if samples.ndim == 3:
        return samples[..., None]
    places = [(axis, counts) for counts in _CHANNELS for axis in (-1, 1)]
    for axis, counts in places if samples.ndim == 4 else ():
        if samples.shape[axis] in counts:
            return np.moveaxis(samples, axis, -1)
    raise InputError(
        f"the samples in {path} are {samples.dtype} {list(samples.shape)}: images must be "
        "[N, H, W, C], [N, H, W] or [N, C, H, W] with 1 to 4 channels, points float32 [N, D]"
    )


def _levels(images: Array, path: Path) -> tuple[Array, dict[str, Any]]:
    """uint8 images, and what was done to make them so."""
    if images.dtype == np.uint8:
        return images, {}
    if images.dtype == bool:
        return images.astype(np.uint8) * np.uint8(255), {"scaled to 0 to 255": "from false, true"}
    whole = np.issubdtype(images.dtype, np.integer)
    if not whole and not np.issubdtype(images.dtype, np.floating):
        raise InputError(f"the samples in {path} are {images.dtype}: images must be numbers")
    flat = images.reshape(len(images), -1)
    _check_finite(flat, path)
    low, high = _unit(float(flat.min()), float(flat.max()), whole, path)
    scaled = (images.astype(np.float32) - low) / (high - low) * 255
    levels = np.rint(scaled.clip(0, 255)).astype(np.uint8)
    return levels, {"scaled to 0 to 255": f"from {low:g} to {high:g}"}


def _unit(least: float, largest: float, whole: bool, path: Path) -> tuple[float, float]:
    """The values that mean black and white."""
    units = [(0, 255), (0, 65535)] if whole else [(0, 1), (-1, 1), (0, 255)]
    for black, white in units:
        if black - _ROUNDING <= least and largest <= white + _ROUNDING:
            return black, white
    known = " or ".join(f"from {black} to {white}" for black, white in units)
    raise InputError(
        f"the samples in {path} go from {least:g} to {largest:g}: images must be uint8, or {known}"
    )


def _check_finite(rows: Array, path: Path) -> None:
    broken = int((~np.isfinite(rows)).any(axis=1).sum())
    if broken:
        raise InputError(f"{broken} of {len(rows)} samples in {path} are NaN or infinite")


def _classes(labels: Array | None, names: Array | None, count: int, path: Path) -> list[str] | None:
    if labels is None:
        return None
    text = labels.dtype.kind == "U"
    whole = np.issubdtype(labels.dtype, np.integer) and not (labels < 0).any()
    if labels.shape != (count,) or not (text or whole):
        raise InputError(
            f"the labels in {path} are {labels.dtype} {list(labels.shape)}: they must be a whole "
            f"number from 0 up, or a name, for each of the {count} samples"
        )
    if names is None or text:
        return [str(label) for label in labels]
    if labels.max() >= len(names):
        raise InputError(f"{path} has a label {labels.max()}, but {len(names)} class_names")
    return [str(names[label]) for label in labels]
