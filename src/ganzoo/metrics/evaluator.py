"""Measure generated samples against real ones by several metrics, on several features."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.comparison import Comparison, Generator, SampleSet
from ganzoo.metrics.extraction import Extraction
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.features.plain import IdentityFeatures
from ganzoo.metrics.populations import Population, StoredSamples
from ganzoo.metrics.samples import TwoSampleMetric
from ganzoo.metrics.team import Team

log = logging.getLogger("ganzoo")


class RealData(Protocol):
    """Where real samples come from: a data module of the library, or a folder of images."""

    def real(self, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """Return up to ``count`` samples that the generator learns from, and their classes."""

    def held_out(self, count: int, seed: int) -> tuple[Tensor, Tensor | None] | None:
        """Return samples that it does not learn from; None where there are none."""


@dataclass(frozen=True)
class Reference:
    """The real side of comparisons.

    Attributes:
        data: Where the samples are from.
        sets: The real samples with each choice of features.
    """

    data: RealData
    sets: dict[str, SampleSet]


@defaults_from("metrics/evaluator/default", beside="dataset/base/images")
class Evaluator:
    """Computes every metric on every choice of features, from one pass over the samples.

    Args:
        metrics: Metrics by name.
        features: Extractors by name, at least one if there are metrics.
        samples: Number of generated samples.
        real_samples: Number of real samples; None for as many as generated ones. A data set that
            has fewer gives all it has.
        batch_size: Samples that are generated and go through an extractor at once.
        seed: Chooses the real samples and the latents, the same each time.
        cache: Keeps the features of real samples.

    Attributes:
        left_out: Metrics that the samples so far did not allow, and why: too few of them, without
            labels, without held-out ones, without a generator. Each is warned of once.

    Raises:
        InputError: if a number is not positive and whole, there are no features, or two metrics
            give values of the same name.
    """

    def __init__(
        self,
        *,
        metrics: Mapping[str, TwoSampleMetric],
        features: Mapping[str, FeatureExtractor],
        samples: int = FROM_CONFIG,
        real_samples: int | None = FROM_CONFIG,
        batch_size: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        cache: FeatureCache = FROM_CONFIG,
    ) -> None:
        check_whole(samples=samples, batch_size=batch_size)
        if real_samples is not None:
            check_whole(real_samples=real_samples)
        if metrics and not features:
            raise InputError("metrics need features: choose metrics.features=identity for points")
        self.metrics, self.features = dict(metrics), dict(features)
        self._check_names()
        for metric in self.metrics.values():
            metric.distributed_available_fn = _never  # one process measures what all have made
        self.samples, self.real_samples = samples, real_samples or samples
        self.batch_size, self.seed, self.cache = batch_size, seed, cache
        # What identity is meant for, until the real samples are seen.
        self._points = all(isinstance(one, IdentityFeatures) for one in self.features.values())
        self.left_out: dict[str, str] = {}

    def share(self, device: torch.device | str, team: Team) -> Extraction:
        """Say where samples and features are made and compared, and by which processes."""
        for metric in self.metrics.values():
            metric.to(device)
        return Extraction(self.features, self.batch_size, device, team)

    def find_real(self, data: RealData, extraction: Extraction) -> Reference:
        """Make the real side, or take it from the cache; every process must call this."""
        population = StoredSamples(*data.real(self.real_samples, self.seed))
        self._points = population.samples.ndim == 2
        return Reference(data, extraction.recall(population, self.cache))

    def measure(
        self,
        reference: Reference,
        generated: Population,
        generator: Generator | None,
        extraction: Extraction,
    ) -> dict[str, float]:
        """Compute all values that the samples allow; every process must call this.

        Args:
            reference: The real side.
            generated: The generated side.
            generator: Where the generated samples come from, if that is there.
            extraction: Where samples and features are made.

        Returns:
            Values under ``<name>@<number of generated samples>``, in the first process; nothing
            in the others. Values that depend on features have the features' name behind their own
            where there are several, or where the features are pixels.

        Raises:
            InputError: if samples are not finite or of another shape than real ones, or do not
                allow any of the metrics.
        """
        sets = extraction.run(generated)
        if extraction.team.rank:
            return {}
        values: dict[str, float] = {}
        for number, (name, own) in enumerate(sets.items()):
            comparison = Comparison(
                real=reference.sets[name],
                generated=own,
                find_held_out=_HeldOut(reference.data, name, self, extraction),
                generator=generator,
            )
            _check_shapes(comparison)
            for metric in self.metrics.values():
                if metric.depends_on_features or number == 0:
                    values |= self._named(metric, comparison, name)
        if self.metrics and not values:
            raise InputError(next(iter(self.left_out.values())))
        return values

    def directions(self) -> dict[str, str]:
        """Whether a value is better smaller or larger, under the names that ``measure`` gives."""
        return {
            self._full_name(metric, value, features): direction
            for features in self.features
            for metric in self.metrics.values()
            for value, direction in metric.directions.items()
        }

    def protocol(self) -> dict[str, Any]:
        """What the values must be reported with: plain values."""
        return {
            "samples": self.samples,
            "real_samples": self.real_samples,
            "seed": self.seed,
            "metrics": {
                name: {"metric": type(metric).__name__, **metric.protocol()}
                for name, metric in self.metrics.items()
            },
            "features": {
                name: {**extractor.protocol(), "fingerprint": extractor.fingerprint()}
                for name, extractor in self.features.items()
            },
        }

    def _named(
        self, metric: TwoSampleMetric, comparison: Comparison, features: str
    ) -> dict[str, float]:
        try:
            values = metric.measure(comparison)
        except InputError as error:
            self._leave_out(metric, features, error)
            return {}
        return {self._full_name(metric, name, features): float(v) for name, v in values.items()}

    def _leave_out(self, metric: TwoSampleMetric, features: str, error: InputError) -> None:
        name = next(name for name, one in self.metrics.items() if one is metric)
        if metric.depends_on_features and len(self.features) > 1:
            name = f"{name} on {features}"
        if name not in self.left_out:
            self.left_out[name] = str(error)
            if len(self.metrics) * len(self.features) > 1:  # alone, it is an error
                log.warning("%s is left out: %s", name, error)

    def _full_name(self, metric: TwoSampleMetric, value: str, features: str) -> str:
        told = len(self.features) > 1 or (self.features[features].raw and not self._points)
        named = metric.depends_on_features and told
        return f"{value}{f'_{features}' if named else ''}@{self.samples}"

    def _check_names(self) -> None:
        owners: dict[str, str] = {}
        for name, metric in self.metrics.items():
            for value in metric.directions:
                if value in owners:
                    raise InputError(
                        f"the metrics {owners[value]} and {name} both give {value}: choose one"
                    )
                owners[value] = name


@dataclass(frozen=True)
class _HeldOut:
    """Finds the held-out samples when a metric asks for them."""

    data: RealData
    features: str
    evaluator: Evaluator
    extraction: Extraction

    def __call__(self) -> SampleSet | None:
        found = self.data.held_out(self.evaluator.samples, self.evaluator.seed)
        if found is None:
            return None
        alone = self.evaluator.share(self.extraction.device, Team())
        return alone.recall(StoredSamples(*found), self.evaluator.cache)[self.features]


def _check_shapes(comparison: Comparison) -> None:
    real, generated = (
        list(side.samples.shape[1:]) for side in (comparison.real, comparison.generated)
    )
    if real != generated:
        raise InputError(
            f"generated samples are {generated}, real ones {real}: both must have the same "
            "channels, height and width"
        )


def _never() -> bool:
    return False
