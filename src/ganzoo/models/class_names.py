"""Names of classes, which stand for labels wherever people write them."""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ganzoo.errors import InputError, nearest

Labels: TypeAlias = Tensor | Sequence[int] | Sequence[str] | int | str
"""Numbers or names of classes: one, or one for each sample."""

LONGEST_NAME = 200
"""What a checkpoint may hold: longer ones are left out of it."""


def numbers_of(labels: Labels, names: Sequence[str] | None) -> Tensor:
    """Labels as numbers, int64 ``[N]``.

    Args:
        labels: Numbers, names, or both.
        names: The name of each class, where names are known.

    Raises:
        InputError: if a label is neither a whole number nor a name that is known.
    """
    each = [labels] if isinstance(labels, str) else labels
    if isinstance(each, Sequence) and any(isinstance(label, str) for label in each):
        each = [number_of(label, names) if isinstance(label, str) else label for label in each]
    try:
        found = torch.as_tensor(each).reshape(-1)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"labels are whole numbers or names, not {labels!r}") from error
    if found.dtype == torch.bool or found.is_complex():
        raise InputError(f"labels are whole numbers or names, not {labels!r}")
    broken = found[found != found.long()]
    if len(broken):
        raise InputError(f"labels are whole numbers or names, not {broken[0].item()}")
    return found.long()


def number_of(name: str, names: Sequence[str] | None) -> int:
    """The number of a class.

    Args:
        name: Its name, its name as :func:`folder_name` writes it, or its number in digits.
        names: The name of each class, where names are known.

    Raises:
        InputError: if it is none of these.
    """
    known = {folder_name(one): number for number, one in enumerate(names or ())}
    known |= {one: number for number, one in enumerate(names or ())}
    if name in known:
        return known[name]
    if name.isascii() and name.isdigit():
        return int(name)
    if not names:
        raise InputError(f"there is no class {name!r}: these classes have numbers, no names")
    raise InputError(f"there is no class {name!r}: {nearest(name, names)}")


def folder_name(name: str) -> str:
    """A class's name without what file systems or shells could take for something else."""
    return re.sub(r"[^\w .+=-]", "_", name).strip(". ") or "_"


def class_names(trainer: Any, count: int | None) -> list[str] | None:
    """The names of the classes of the data that a trainer has, where there are so many.

    A data module of the library has them in its ``source.class_names``; a torch data set, as
    torchvision's are, in ``classes``.
    """
    source = getattr(getattr(trainer, "datamodule", None), "source", None)
    found = getattr(source, "class_names", None)
    if found is None:
        loader = getattr(trainer, "train_dataloader", None)
        found = getattr(getattr(loader, "dataset", None), "classes", None)
    if not isinstance(found, Sequence) or len(found) != count or not all(map(_is_name, found)):
        return None
    return [str(name) for name in found]


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and len(name) <= LONGEST_NAME and name.isprintable()
