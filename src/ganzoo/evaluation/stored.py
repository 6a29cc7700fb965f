"""Samples that are stored in files, real or generated."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.real_data import RealData
from ganzoo.metrics.sample_batches import TensorSamples
from ganzoo.sampling.class_names import class_number

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, eq=False)
class StoredSamples:
    """N samples from one folder or file: real data, or a source of generated samples.

    Attributes:
        path: Where they are from.
        samples: float32 ``[N, C, H, W]`` in [-1, 1], or points ``[N, D]``.
        classes: Names or numbers of their classes ``[N]`` as the files have them, or None.
        conversions: What was done to them, as plain values.
        labels: Their classes ``[N]`` as numbers, int64, see :func:`with_labels`, or None.
    """

    path: Path
    samples: Tensor
    classes: Sequence[str] | None = None
    conversions: dict[str, Any] = field(default_factory=dict)
    labels: Tensor | None = None
    step = None

    @property
    def name(self) -> str:
        """The whole path."""
        return str(self.path.resolve())

    @property
    def shape(self) -> list[int]:
        """Shape of one sample."""
        return list(self.samples.shape[1:])

    def real(self, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """Return at most ``count`` samples, all in order or a random choice, and their labels."""
        if count >= len(self.samples):
            return self.samples, self.labels
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self.samples), generator=generator)[:count]
        return self.samples[chosen], None if self.labels is None else self.labels[chosen]

    def held_out(self, count: int, seed: int) -> None:
        """Return None: nobody knows of stored samples which were not trained on."""
        return

    def load(self, device: torch.device) -> "StoredSamples":
        """Return itself: there is nothing to load."""
        return self

    def reference_data(self, data: RealData) -> RealData:
        """All of the data."""
        return data

    def evaluation_samples(
        self, data: RealData, *, count: int, real_labels: Tensor | None, seed: int
    ) -> TensorSamples:
        """Take all samples, or choose ``count`` of them.

        Raises:
            InputError: if there are fewer.
        """
        if count > len(self.samples):
            raise InputError(f"samples={count}, but {self.path} holds {len(self.samples)}")
        return TensorSamples(*self.real(count, seed))

    def protocol(self) -> dict[str, Any]:
        """What a report says of them: plain values."""
        converted = {"conversions": self.conversions} if self.conversions else {}
        return {"path": self.name, "stored": len(self.samples)} | converted


def with_labels(
    several: Sequence[StoredSamples], names: Sequence[str] | None
) -> list[StoredSamples]:
    """Number the classes of samples that are to be compared, so that equal numbers mean equal ones.

    Args:
        several: The samples.
        names: The classes of the model or of the data set that they are compared with, where
            these have names: then the numbers are theirs, and samples of other classes have
            none, with a warning. Without, classes whose names are whole numbers keep these, and
            others are numbered in the order of all names.
    """
    all_classes = sorted({name for one in several for name in one.classes or ()})
    return [replace(one, labels=_labels(one, all_classes, names)) for one in several]


def _labels(
    stored: StoredSamples, all_classes: Sequence[str], names: Sequence[str] | None
) -> Tensor | None:
    if stored.classes is None:
        return None
    try:
        numbers = {name: _number(name, all_classes, names) for name in set(stored.classes)}
    except InputError as error:
        log.warning(
            "%s: its classes are not those of the other side, and left out: %s", stored.path, error
        )
        return None
    return torch.tensor([numbers[name] for name in stored.classes])


def _number(name: str, all_classes: Sequence[str], names: Sequence[str] | None) -> int:
    if names is not None:
        return class_number(name, names)
    whole = all(one.isascii() and one.isdigit() for one in all_classes)
    return int(name) if whole else all_classes.index(name)
