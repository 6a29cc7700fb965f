"""Samples that are stored in files, real or generated."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.evaluation.arrays import read_arrays
from ganzoo.evaluation.contents import Contents
from ganzoo.evaluation.folders import read_folder
from ganzoo.sampling.class_names import class_number

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Stored:
    """N samples from one folder or file.

    Attributes:
        path: Where they are from.
        samples: float32 ``[N, C, H, W]`` in [-1, 1], or points ``[N, D]``.
        labels: Classes ``[N]``, int64, or None.
        conversions: What was done to them, as plain values.
    """

    path: Path
    samples: Tensor
    labels: Tensor | None
    conversions: dict[str, Any] = field(default_factory=dict)

    def choose(self, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """Return at most ``count`` samples, all in order or a random choice, and their labels."""
        if count >= len(self.samples):
            return self.samples, self.labels
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self.samples), generator=generator)[:count]
        return self.samples[chosen], None if self.labels is None else self.labels[chosen]

    def protocol(self) -> dict[str, Any]:
        """What a record says of them: plain values."""
        converted = {"conversions": self.conversions} if self.conversions else {}
        return {"path": str(self.path.resolve()), "stored": len(self.samples)} | converted


class StoredReal:
    """Stored samples as the real side of a comparison.

    Args:
        stored: The samples.
    """

    def __init__(self, stored: Stored) -> None:
        self._stored = stored

    def real(self, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """Return up to ``count`` samples, chosen without replacement, and their labels."""
        return self._stored.choose(count, seed)

    def held_out(self, count: int, seed: int) -> None:
        """Return None: nobody knows of stored samples which were not trained on."""
        return

    def protocol(self) -> dict[str, Any]:
        """What a record says of them: plain values."""
        return self._stored.protocol()


def read_stored(
    path: Path, *, shape: Sequence[int] | None = None, size: tuple[int, int] | None = None
) -> Contents:
    """Read samples.

    Args:
        path: A folder of pictures, or an .npz file.
        shape: What images become, ``(C, H, W)``; None for the channels that they have.
        size: Without a shape, their height and width; None for the size that all of them have.

    Raises:
        InputError: if it is missing, is neither, or cannot be read.
    """
    if path.exists():
        log.info("reading %s", path)
    if path.is_dir():
        return read_folder(path, shape=shape, size=size)
    if not path.exists():
        raise InputError(f"there is no folder or file {path}")
    if path.suffix != ".npz":
        advice = ": write checkpoint=PATH" if path.suffix == ".ckpt" else ""
        raise InputError(f"{path} is neither a folder of pictures nor an .npz file{advice}")
    return read_arrays(path, shape=shape, size=size)


def number_classes(
    contents: Sequence[tuple[Path, Contents]], names: Sequence[str] | None
) -> list[Stored]:
    """Number the classes of samples that are to be compared, so that equal numbers mean equal ones.

    Args:
        contents: Paths and what they hold.
        names: The classes of the model or of the data set that they are compared with, where
                these have names: then the numbers are theirs, and samples of other classes have
            none, with a warning. Without, classes whose names are whole numbers keep these, and
            others are numbered in the order of all names.
    """
    every = sorted({name for _, one in contents for name in one.classes or ()})
    return [
        Stored(path, one.samples, _labels(path, one.classes, every, names), one.conversions)
        for path, one in contents
    ]


def _labels(
    path: Path, classes: Sequence[str] | None, every: Sequence[str], names: Sequence[str] | None
) -> Tensor | None:
    if classes is None:
        return None
    try:
        numbers = {name: _number(name, every, names) for name in set(classes)}
    except InputError as error:
        log.warning(
            "%s: its classes are not those of the other side, and left out: %s", path, error
        )
        return None
    return torch.tensor([numbers[name] for name in classes])


def _number(name: str, every: Sequence[str], names: Sequence[str] | None) -> int:
    if names is not None:
        return class_number(name, names)
    whole = all(one.isascii() and one.isdigit() for one in every)
    return int(name) if whole else every.index(name)
