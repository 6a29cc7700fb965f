"""Several values of the same quantity in a few numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Value:
    """One quantity of one subject.

    Attributes:
        each: Its value for each seed, at least one.
        intervals: For each seed the ends of its bootstrap interval; empty without bootstrap.
    """

    each: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.each))

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the seeds, with n - 1 below; None of one seed."""
        if len(self.each) == 1:
            return None
        with np.errstate(invalid="ignore"):
            return float(np.std(self.each, ddof=1))


def summarise(
    values: Sequence[Mapping[str, float]], features: Sequence[str], *, bootstrapped: bool
) -> dict[str, Value]:
    """Gather values over seeds, and intervals with what they are intervals of.

    Args:
        values: For each seed, values under ``<name>[_<features>]@<samples>``; those that a seed
            lacks are left out.
        features: Names of the features.
        bootstrapped: Whether values of ``<name>_low`` and ``<name>_high`` are ends of intervals.
    """
    names = [name for name in values[0] if all(name in one for one in values)]
    ends = {name: _ends(name, features) for name in names} if bootstrapped else {}
    ends = {name: pair for name, pair in ends.items() if set(pair) <= set(names)}
    taken = {end for pair in ends.values() for end in pair}
    return {
        name: Value(
            tuple(one[name] for one in values),
            tuple((one[ends[name][0]], one[ends[name][1]]) for one in values)
            if name in ends
            else (),
        )
        for name in names
        if name not in taken
    }


def _ends(name: str, features: Sequence[str]) -> tuple[str, str]:
    """What the bootstrap calls the ends of a value's interval: the features' name comes last."""
    head, _, count = name.partition("@")
    suffix = next((f"_{one}" for one in features if head.endswith(f"_{one}")), "")
    stem = head.removesuffix(suffix)
    return f"{stem}_low{suffix}@{count}", f"{stem}_high{suffix}@{count}"
