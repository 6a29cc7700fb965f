"""What parts of a user's own must have, said when a model is built."""

from typing import Any

from torch import nn
from torch.optim import Optimizer

from ganzoo.errors import InputError, described


def check_kind(name: str, value: Any, kind: type, wanted: str) -> None:
    """Refuse an object of another kind, and a class in place of an object.

    Args:
        name: Of the argument.
        value: What was given.
        kind: The class that it must have.
        wanted: What that is, in words.

    Raises:
        InputError: naming the argument, what is wanted and what was given.
    """
    if not isinstance(value, kind):
        raise InputError(f"{name} must be {wanted}; it is {described(value)}")


def check_functions(**functions: Any) -> None:
    """Refuse what was made already, where a function that makes it is needed, or None.

    Raises:
        InputError: naming the first such argument.
    """
    for name, value in functions.items():
        made = isinstance(value, nn.Module | Optimizer)
        if value is not None and (made or not callable(value)):
            raise InputError(
                f"{name} must be a function, which the model calls with what it has, such as "
                f"functools.partial(SomeClass, setting=value); it is {described(value)}"
            )
