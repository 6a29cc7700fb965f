"""Errors that tell a user what is wrong with their input and how to mend it."""

import difflib
import math
from collections.abc import Iterable, Sequence
from typing import Any

_FARTHER = 0.06  # than the nearest, in likeness


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


def check_positive(**values: Any) -> None:
    """Refuse numbers that are not finite and above zero.

    Raises:
        InputError: naming the first argument that is zero, negative, infinite, NaN or no number.
    """
    for name, value in values.items():
        if not (_is_finite(value) and value > 0):
            raise InputError(f"{name} must be a positive number, not {value!r}")


def check_not_negative(**values: Any) -> None:
    """Refuse numbers that are not finite and at least zero.

    Raises:
        InputError: naming the first argument that is negative, infinite, NaN or no number.
    """
    for name, value in values.items():
        if not (_is_finite(value) and value >= 0):
            raise InputError(f"{name} must be zero or a positive number, not {value!r}")


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool | str):
        return False
    try:
        return math.isfinite(value)
    except TypeError:
        return False


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


def nearest(word: object, choices: Iterable[str]) -> str:
    """Say which of the choices the word may have meant.

    Returns:
        ``"did you mean 'a' or 'b'?"``, or a list of the choices where none is near.
    """
    known = sorted(choices)
    near = closest(str(word), known)
    return did_you_mean(near) if near else f"choose from {listed(known)}"


def closest(word: str, choices: Iterable[str], *, cutoff: float = 0.6) -> list[str]:
    """The choices that are spelled most like a word, at most three, the nearest first.

    Capitals and hyphens do not count. A choice that contains the word is nearer than one with as
    many letters changed; so is one whose words have its initials. What is much farther than the
    nearest is left out.

    Args:
        word: What was written.
        choices: What there is.
        cutoff: Likeness that is asked for, in [0, 1].
    """
    likeness = {
        choice: _likeness(canonical_spelling(word), canonical_spelling(choice))
        for choice in choices
    }
    least = max(cutoff, max(likeness.values(), default=0.0) - _FARTHER)
    near = [choice for choice, value in likeness.items() if value >= least]
    return sorted(near, key=lambda choice: (-likeness[choice], choice))[:3]


def did_you_mean(names: Sequence[str]) -> str:
    """The question that names what may have been meant."""
    return "did you mean " + " or ".join(map(repr, names)) + "?"


def listed(names: Sequence[str], *, width: int = 150) -> str:
    """Names with commas, as many as fit, and how many there are where not all do."""
    line = ", ".join(names)
    if len(line) <= width:
        return line
    return f"{line[: line.rindex(',', 0, width)]}, ... ({len(names)} in all)"


def canonical_spelling(word: str) -> str:
    """A word without capitals and hyphens, as names of configs are written."""
    return word.lower().replace("-", "_")


def _likeness(word: str, choice: str) -> float:
    if word == choice:
        return 1.0
    if len(word) > 1 and word == "".join(part[:1] for part in choice.split("_")):
        return 0.95
    contained = 0.8 + 0.1 * len(word) / len(choice) if len(word) > 2 and word in choice else 0.0
    return max(contained, difflib.SequenceMatcher(None, word, choice).ratio())
