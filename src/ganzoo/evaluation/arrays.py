"""Samples from an .npz file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ganzoo.data.images import to_model_range
from ganzoo.errors import InputError

_CHANNELS = (1, 3)

Array = npt.NDArray[Any]


def read_arrays(path: Path) -> tuple[Tensor, Sequence[str] | None]:
    """Read ``samples`` and, where the file has them, ``labels``.

    Images are uint8 ``[N, H, W, C]`` (as ``ganzoo.sample`` writes them), ``[N, H, W]`` or
    ``[N, C, H, W]``; where both the second and the last size could be channels, the last one is.
    Points are floating point ``[N, D]``. Labels are whole numbers ``[N]``.

    Returns:
        float32 ``[N, C, H, W]`` in [-1, 1], or points ``[N, D]``; and the labels as text, or None.

    Raises:
        InputError: if the file is damaged, has no ``samples``, or holds others than these.
    """
    arrays = _load(path)
    if "samples" not in arrays:
        others = ", ".join(sorted(arrays)) or "nothing"
        raise InputError(f"{path} has no array `samples`, it holds {others}")
    samples = arrays["samples"]
    if not len(samples):
        raise InputError(f"there are no samples in {path}")
    return _convert(samples, path), _classes(arrays.get("labels"), len(samples), path)


def holds_points(path: Path) -> bool:
    """Whether the samples in a file are points, as far as it can be read."""
    try:
        return path.suffix == ".npz" and _load(path)["samples"].ndim == 2
    except (InputError, KeyError):
        return False


def _load(path: Path) -> Mapping[str, Array]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            wanted = [name for name in stored.files if name in ("samples", "labels")]
            if "samples" not in wanted:
                return dict.fromkeys(stored.files, np.empty(0))
            return {name: np.atleast_1d(stored[name]) for name in wanted}
    except Exception as error:  # a damaged archive makes numpy raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read as an .npz file: {reason}") from error


def _convert(samples: Array, path: Path) -> Tensor:
    if samples.dtype == np.uint8 and samples.ndim in (3, 4):
        images = samples[..., None] if samples.ndim == 3 else samples
        if images.shape[-1] in _CHANNELS:
            images = np.moveaxis(images, -1, 1)
        if images.shape[1] in _CHANNELS:
            return to_model_range(torch.from_numpy(np.ascontiguousarray(images)))
    if np.issubdtype(samples.dtype, np.floating) and samples.ndim == 2:
        with np.errstate(over="ignore"):
            points = samples.astype(np.float32)
        _check_finite(points, path)
        return torch.from_numpy(points)
    raise InputError(
        f"the samples in {path} are {samples.dtype} {list(samples.shape)}: images must be uint8 "
        "[N, H, W, C], [N, H, W] or [N, C, H, W] with 1 or 3 channels, points float32 [N, D]"
    )


def _check_finite(points: Array, path: Path) -> None:
    broken = int((~np.isfinite(points)).any(axis=1).sum())
    if broken:
        raise InputError(f"{broken} of {len(points)} samples in {path} are NaN or infinite")


def _classes(labels: Array | None, count: int, path: Path) -> list[str] | None:
    if labels is None:
        return None
    whole = np.issubdtype(labels.dtype, np.integer) and labels.shape == (count,)
    if not whole or (labels < 0).any():
        raise InputError(
            f"the labels in {path} are {labels.dtype} {list(labels.shape)}: they must be a whole "
            f"number from 0 up for each of the {count} samples"
        )
    return [str(label) for label in labels]
