"""Labels of classes as networks take them, from what loaders and people write."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.networks.label_codes import check_labels

UNKNOWN_LABEL = -1
"""The label of a sample whose class is not known."""


def read_labels(labels: Any, num_classes: int, *, unknown: bool, look: bool) -> Tensor:
    """Turn labels of any type that has one meaning into int64 ``[B]``.

    These are whole numbers of any type, also ``[B, 1]``, and one-hot rows ``[B, K]``.

    Args:
        labels: A tensor, array or list, or one number.
        num_classes: K.
        unknown: Whether -1 stands for a class that is not known.
        look: Whether to look at labels on an accelerator too, which makes the host wait for it.

    Raises:
        InputError: if they mean something else, are no numbers or are out of range.
    """
    numbers = _as_tensor(labels)
    looked_at = look or numbers.device.type == "cpu"
    if numbers.dim() == 2 and numbers.shape[1] == num_classes > 1:
        return _from_one_hot(numbers, looked_at)
    flat = numbers.reshape(-1) if numbers.dim() < 2 or numbers.shape[1:].numel() == 1 else numbers
    if flat.dim() != 1:
        raise InputError(
            f"labels must have the shape [B], [B, 1] or, one-hot, [B, {num_classes}], not "
            f"{list(numbers.shape)}"
        )
    if looked_at:
        _check_whole_numbers(flat)
    classes = flat.long()
    if looked_at:
        known = classes[classes != UNKNOWN_LABEL] if unknown else classes
        check_labels(known.cpu(), num_classes)
    return classes


def _as_tensor(labels: Any) -> Tensor:
    if isinstance(labels, bool):
        raise InputError(f"labels must be numbers of classes, not {labels}")
    array = isinstance(labels, np.ndarray)
    try:
        found = torch.tensor(labels) if array else torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"labels must be numbers of classes, not {_sample(labels)}: give a tensor of int64 [B]"
        ) from error
    if found.is_complex():
        raise InputError(f"labels must be numbers of classes, not {found.dtype}")
    return found


def _from_one_hot(rows: Tensor, looked_at: bool) -> Tensor:
    if looked_at and not bool((((rows == 0) | (rows == 1)).all(1) & (rows.sum(1) == 1)).all()):
        raise InputError(
            f"labels {list(rows.shape)} are not one-hot (one 1 in each row, 0 elsewhere): soft or "
            "several labels of a sample have no meaning here, give int64 [B]"
        )
    return rows.to(torch.int8).argmax(dim=1)


def _check_whole_numbers(labels: Tensor) -> None:
    if labels.is_floating_point():
        wrong = labels[(labels != labels.round()) | labels.isinf()]  # NaN is unlike itself
        if len(wrong):
            raise InputError(f"labels must be whole numbers of classes, not {wrong[0].item():g}")


def _sample(labels: Any) -> str:
    first = labels[0] if isinstance(labels, list | tuple) and labels else labels
    return repr(first) if isinstance(first, str) else f"a {type(first).__name__}"
