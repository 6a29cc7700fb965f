"""What an evaluation has found."""

from dataclasses import dataclass
from typing import Any

from ganzoo.evaluation.seed_values import SeedValues
from ganzoo.metrics.inputs import SampleSet


@dataclass(frozen=True, kw_only=True)
class SourceResult:
    """The values of one source of samples.

    Attributes:
        name: A path that tells it from others.
        series: What sources of one curve share.
        step: Generator updates so far, or None.
        values: Under the names of the evaluator.
        protocol: What a report says of the source and its samples: plain values.
        seconds: How long it took.
    """

    name: str
    series: str
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
