"""Errors that tell a user what is wrong with their input and how to mend it."""

import difflib
import math
from collections.abc import Iterable


class InputError(ValueError):
    """Wrong input: a config value, a data folder, a checkpoint, a label.

    The message is one line that names what is wrong and what would be right. Entry points print
    it without a stack trace and exit with code 1.
    """


def check_positive(**values: float) -> None:
    """Refuse numbers that are not finite and above zero.

    Raises:
        InputError: naming the first argument that is zero, negative, infinite or NaN.
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} must be a positive number, not {value}")


def check_not_negative(**values: float) -> None:
    """Refuse numbers that are not finite and at least zero.

    Raises:
        InputError: naming the first argument that is negative, infinite or NaN.
    """
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name} must be zero or a positive number, not {value}")


def nearest(word: str, choices: Iterable[str]) -> str:
    """Say which of the choices the word may have meant.

    Returns:
        ``"did you mean 'a' or 'b'?"``, or the list of all choices where none is near.
    """
    known = sorted(choices)
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.55)
    if near:
        return "did you mean " + " or ".join(repr(name) for name in near) + "?"
    return "choose from " + ", ".join(known)
