"""Names of classes, which stand for labels wherever people write them."""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

from torch import Tensor

from ganzoo.errors import InputError, nearest

Labels: TypeAlias = Tensor | Sequence[int] | Sequence[str] | int | str
"""Numbers or names of classes: one, or one for each sample."""

LONGEST_NAME = 200
"""What a checkpoint may hold: longer ones are left out of it."""


def class_numbers(labels: Any, names: Sequence[str] | None) -> Any:
    """Labels with the number of each class in place of its name.

    Args:
        labels: Numbers, names, or both; what holds no names is returned as it is.
        names: The name of each class, where names are known.

    Raises:
        InputError: if a name is not known.
    """
    if isinstance(labels, str):
        return class_number(labels, names)
    if isinstance(labels, Sequence) and any(isinstance(label, str) for label in labels):
        return [class_number(label, names) if isinstance(label, str) else label for label in labels]
    return labels


def class_number(name: str, names: Sequence[str] | None) -> int:
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
