"""What an evaluation has found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganzoo.metrics.inputs import SampleSet


@dataclass(frozen=True)
class SeedValues:
    """One quantity of one source of samples.

    Attributes:
        values: Its value for each seed, at least one.
        intervals: For each seed the ends of its bootstrap interval; empty without bootstrap.
    """

    values: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...] = ()

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the seeds, with n - 1 below; None of one seed."""
        if len(self.values) == 1:
            return None
        with np.errstate(invalid="ignore"):
            return float(np.std(self.values, ddof=1))


@dataclass(frozen=True, kw_only=True)
class SourceResult:
    """The values of one source of samples.

    Attributes:
        name: A path that tells it from others.
        step: Generator updates so far, or None.
        values: Under the names of the evaluator.
        protocol: What a report says of the source and its samples: plain values.
        seconds: How long it took.
    """

    name: str
    step: int | None
    values: dict[str, SeedValues]
    protocol: dict[str, Any]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """An evaluation that is done.

    Attributes:
        sources: The values, in the order of the sources.
        directions: Names of values and whether they are better smaller or larger.
        real: The real samples, under each extractor's name.
        generated: Samples of the last source, of the first seed, likewise.
    """

    sources: list[SourceResult]
    directions: dict[str, str]
    real: dict[str, SampleSet]
    generated: dict[str, SampleSet]

    @property
    def names(self) -> list[str]:
        """Names of all values; a source may lack some."""
        return list(dict.fromkeys(name for source in self.sources for name in source.values))


def collect(
    by_seed: Sequence[Mapping[str, float]], features: Sequence[str], *, bootstrapped: bool
) -> dict[str, SeedValues]:
    """The values of each quantity, with the intervals that belong to it.

    Args:
        by_seed: For each seed, values under ``<name>[_<features>]@<samples>``; those that a seed
            lacks are left out.
        features: Names of the features.
        bootstrapped: Whether values of ``<name>_low`` and ``<name>_high`` are ends of intervals.
    """
    names = [name for name in by_seed[0] if all(name in values for values in by_seed)]
    ends = {name: _ends(name, features) for name in names} if bootstrapped else {}
    ends = {name: pair for name, pair in ends.items() if set(pair) <= set(names)}
    taken = {end for pair in ends.values() for end in pair}
    return {
        name: SeedValues(
            tuple(values[name] for values in by_seed),
            tuple((values[ends[name][0]], values[ends[name][1]]) for values in by_seed)
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
