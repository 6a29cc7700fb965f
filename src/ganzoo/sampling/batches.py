"""What a dataloader gives: its data and labels, in the types that networks take."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.game.minibatch import as_real

DATA_KEYS = ("image", "images", "img", "pixel_values", "data", "points", "x")
LABEL_KEYS = ("label", "labels", "fine_label", "class", "target", "targets", "y")


class DataAndLabels(NamedTuple):
    """The parts of a batch.

    Attributes:
        data: What should be a tensor ``[B, ...]``.
        labels: What should be classes ``[B]``; None where there are none.
    """

    data: Any
    labels: Any


class BatchKeys:
    """Which entries of a batch that is a dictionary are the data and the labels.

    Args:
        keys: ``{"data": name, "labels": name}``, or one of the two; the others are found by the
            names that data sets use (``image``, ``pixel_values``, ``label``, ...).

    Raises:
        InputError: if something else is named.
    """

    def __init__(self, keys: Mapping[str, str | None] | None) -> None:
        given = {} if keys is None else keys
        if not isinstance(given, Mapping) or not set(given) <= {"data", "labels"}:
            raise InputError(
                f"batch_keys must be {{data: NAME, labels: NAME}}, or one of the two, not {keys}"
            )
        self._data, self._labels = given.get("data"), given.get("labels")

    def fields(self, batch: Any, *, labelled: bool) -> DataAndLabels:
        """Find data and labels in a batch.

        Args:
            batch: The data; a sequence of data, perhaps labels, and things that are left alone;
                or a dictionary (a named tuple with names of such entries counts as one).
            labelled: Whether the labels are needed, so that it must be clear which they are.

        Raises:
            InputError: naming what there is, and the setting.
        """
        entries = batch._asdict() if hasattr(batch, "_asdict") else batch
        if isinstance(entries, Mapping) and (entries is batch or _named(entries, DATA_KEYS)):
            return DataAndLabels(
                self._entry(entries, "data", self._data, DATA_KEYS, needed=True),
                self._entry(entries, "labels", self._labels, LABEL_KEYS, needed=labelled),
            )
        if not isinstance(batch, Sequence) or isinstance(batch, str):
            return DataAndLabels(batch, None)
        data, labels, *_ = *batch, None, None
        return DataAndLabels(data, labels)

    def _entry(
        self,
        entries: Mapping[str, Any],
        kind: str,
        key: str | None,
        usual: Sequence[str],
        *,
        needed: bool,
    ) -> Any:
        found = _named(entries, usual) if key is None else [key]
        if len(found) == 1 and found[0] in entries:
            return entries[found[0]]
        if needed or key is not None:
            which = f"no {key}" if key else "several" if found else "none"
            raise InputError(
                f"a batch has the keys {', '.join(map(str, entries))}, and {which} for the {kind}: "
                f"name it, as model.batch_keys={{{kind}: KEY}} (in Python "
                f"batch_keys={{'{kind}': KEY}})"
            )
        return None


def read_data(data: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Bring data to the type and the device of a model.

    Floating point of any precision is converted, and so are pictures of bytes, to [-1, 1].

    Args:
        data: A tensor or array ``[B, ...]``.
        dtype: Of the model's weights.
        device: Of the model's weights.

    Raises:
        InputError: if it is neither, holds no samples, or is of a type that has no one meaning.
    """
    if isinstance(data, np.ndarray) and data.dtype.kind in "biufc":
        data = torch.tensor(data)
    if not isinstance(data, Tensor):
        raise InputError(
            f"the data of a batch must be a tensor, not {_kind(data)}: batches are tensors, pairs "
            "(data, labels) or dictionaries (pictures become tensors by torchvision's ToTensor)"
        )
    if not data.dim() or not len(data):
        raise InputError(f"a batch holds no samples: its data has the shape {list(data.shape)}")
    given = as_real(data.to(device), dtype)
    if not given.is_floating_point():
        raise InputError(
            f"data must be real numbers in floating point, not {given.dtype}: points as x.float(), "
            "pictures in [-1, 1], from 0 to 255 as x / 127.5 - 1"
        )
    return given


def _named(entries: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [name for name in names if name in entries]


def _kind(value: Any) -> str:
    """The type of a value, and of what a list holds."""
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value):
        return f"a {type(value).__name__} of {type(value[0]).__name__}"
    return type(value).__name__
