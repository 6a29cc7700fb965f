"""Errors that tell a user what is wrong with their input and how to mend it."""

import difflib
import math
from collections.abc import Iterable
from typing import Any


class InputError(ValueError):
    """Wrong input: a config value, a data folder, a checkpoint, a label.

    The message is one line that names what is wrong and what would be right. Entry points print
    it without a stack trace and exit with code 1.
    """


class Interrupted(Exception):  # noqa: N818 - nothing is wrong
    """A run was told to stop by a signal, and has stopped in order.

    Attributes:
        signum: The signal's number; a shell knows the exit code ``128 + signum``.
    """

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.signum = signum


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


def check_whole(minimum: int = 1, /, **values: Any) -> None:
    """Refuse numbers that are not whole or are below the minimum.

    Raises:
        InputError: naming the first argument that is a fraction, NaN, a truth value, no number
            at all, or too small.
    """
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise InputError(f"{name} must be a whole number from {minimum} up, not {value!r}")


def described(value: Any) -> str:
    """Say what an object of a user's own is, in a few words."""
    if isinstance(value, type):
        return f"the class {value.__name__}, not an object: write {value.__name__}(...)"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    return f"of type {type(value).__name__}"


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
