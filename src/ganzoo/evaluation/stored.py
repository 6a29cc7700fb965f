"""Samples that are stored in files, real or generated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.evaluation.arrays import read_arrays
from ganzoo.evaluation.folders import read_folder


@dataclass(frozen=True)
class Stored:
    """N samples from one folder or file.

    Attributes:
        path: Where they are from.
        samples: float32 ``[N, C, H, W]`` in [-1, 1], or points ``[N, D]``.
        labels: Classes ``[N]``, int64, or None.
    """

    path: Path
    samples: Tensor
    labels: Tensor | None

    def choose(self, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """Return at most ``count`` samples, all in order or a random choice, and their labels."""
        if count >= len(self.samples):
            return self.samples, self.labels
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self.samples), generator=generator)[:count]
        return self.samples[chosen], None if self.labels is None else self.labels[chosen]


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


def read_stored(*paths: Path) -> list[Stored]:
    """Read samples that are to be compared, so that equal labels mean equal classes.

    Classes whose names are whole numbers keep these as labels; others are numbered in the order
    of all names.

    Args:
        paths: Each a folder of pictures, or an .npz file.

    Raises:
        InputError: if one of them is missing, is neither, or cannot be read whole.
    """
    found = [_read(path) for path in paths]
    names = sorted({name for _, classes in found for name in classes or ()})
    whole = all(name.isascii() and name.isdigit() for name in names)
    numbers = {name: int(name) if whole else number for number, name in enumerate(names)}
    return [
        Stored(path, samples, _labels(classes, numbers))
        for path, (samples, classes) in zip(paths, found, strict=True)
    ]


def _read(path: Path) -> tuple[Tensor, Sequence[str] | None]:
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise InputError(f"there is no folder or file {path}")
    if path.suffix != ".npz":
        raise InputError(f"{path} is neither a folder of pictures nor an .npz file")
    return read_arrays(path)


def _labels(classes: Sequence[str] | None, numbers: dict[str, int]) -> Tensor | None:
    return None if classes is None else torch.tensor([numbers[name] for name in classes])
