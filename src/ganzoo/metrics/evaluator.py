"""Measure generated samples against real ones by several metrics, on several features."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.extraction import FeatureExtraction
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.features.plain import IdentityFeatures
from ganzoo.metrics.inputs import Generator, MetricInputs, SampleSet
from ganzoo.metrics.processes import rank
from ganzoo.metrics.real_data import Drawn, RealData, held_out
from ganzoo.metrics.sample_batches import SampleBatches, TensorSamples
from ganzoo.metrics.samples import TwoSampleMetric

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Reference:
    """The real side of comparisons.

    Attributes:
        data: Where the samples are from.
        real: The samples with their features, under each extractor's name.
        held_out: Samples that the generator does not learn from, likewise; empty where no metric
            asks for them or there are none.
        extraction: What computes the features, those of generated samples too.
    """

    data: RealData
    real: dict[str, SampleSet]
    held_out: dict[str, SampleSet]
    extraction: FeatureExtraction

    @property
    def labels(self) -> Tensor | None:
        """Classes of the real samples ``[N]``, or None."""
        return next(iter(self.real.values())).labels


@dataclass(frozen=True)
class MetricResult:
    """What generated samples were measured to be.

    Attributes:
        values: Under ``<name>@<number of generated samples>``, in the first process; empty in the
            others.
        generated: The samples with their features, under each extractor's name.
    """

    values: dict[str, float]
    generated: dict[str, SampleSet]


@defaults_from("metrics/evaluator/default", beside="dataset/base/images")
class Evaluator:
    """Computes every metric on every choice of features, from one pass over the samples.

    Where ``torch.distributed`` is initialised, all processes must call :meth:`reference` and
    :meth:`measure`: each computes a share of the samples and features, and the first compares.

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
        _check_names(metrics)
        self.metrics, self.features = dict(metrics), dict(features)
        for metric in self.metrics.values():
            metric.distributed_available_fn = _never  # one process measures what all have made
        self.samples, self.real_samples = samples, real_samples or samples
        self.batch_size, self.seed, self.cache = batch_size, seed, cache
        # What identity is meant for, until the real samples are seen.
        self._points = all(isinstance(one, IdentityFeatures) for one in self.features.values())
        self.left_out: dict[str, str] = {}

    def reference(self, data: RealData, device: torch.device | str) -> Reference:
        """Make extractors ready, and compute the features of real samples or read them.

        Args:
            data: Where the samples come from.
            device: Where features are computed and compared.

        Raises:
            InputError: if an extractor or samples cannot be had, or do not fit each other.
        """
        for metric in self.metrics.values():
            metric.to(device)
        extraction = FeatureExtraction(self.features, self.batch_size, device)
        extraction.prepare()
        real = _samples(data.real(self.real_samples, self.seed))
        self._points = real.samples.ndim == 2
        needed = any(metric.needs_held_out for metric in self.metrics.values())
        apart = held_out(data, self.samples, self.seed) if needed else None
        return Reference(
            data=data,
            real=extraction.real(real, self.cache),
            held_out={} if apart is None else extraction.real(_samples(apart), self.cache),
            extraction=extraction,
        )

    def measure(self, reference: Reference, samples: SampleBatches) -> MetricResult:
        """Compute all values that the samples allow.

        Values that depend on features have the features' name behind their own where there are
        several, or where the features are pixels.

        Args:
            reference: The real side.
            samples: The generated side.

        Raises:
            InputError: if samples are not finite or of another shape than real ones, or do not
                allow any of the metrics.
        """
        generated = reference.extraction.generated(samples)
        values = self._compared(reference, generated, samples.generator) if rank() == 0 else {}
        return MetricResult(values, generated)

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

    def _compared(
        self, reference: Reference, generated: dict[str, SampleSet], generator: Generator | None
    ) -> dict[str, float]:
        """The values of all metrics on all features."""
        values: dict[str, float] = {}
        for number, (features, samples) in enumerate(generated.items()):
            inputs = MetricInputs(
                real=reference.real[features],
                generated=samples,
                held_out=reference.held_out.get(features),
                generator=generator,
            )
            _check_shapes(inputs)
            for metric in self.metrics.values():
                if metric.depends_on_features or number == 0:
                    values |= self._values(metric, inputs, features)
        if self.metrics and not values:
            raise InputError(next(iter(self.left_out.values())))
        return values

    def _values(
        self, metric: TwoSampleMetric, inputs: MetricInputs, features: str
    ) -> dict[str, float]:
        try:
            values = metric.measure(inputs)
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


def _check_names(metrics: Mapping[str, TwoSampleMetric]) -> None:
    owners: dict[str, str] = {}
    for name, metric in metrics.items():
        for value in metric.directions:
            if value in owners:
                raise InputError(
                    f"the metrics {owners[value]} and {name} both give {value}: choose one"
                )
            owners[value] = name


def _samples(drawn: Drawn) -> TensorSamples:
    samples, labels = drawn
    if not isinstance(samples, Tensor):
        raise InputError(
            f"real samples must be of one kind to be compared, not of {', '.join(samples)}: set "
            "real=PATH, or choose a data set of one kind"
        )
    return TensorSamples(samples, labels)


def _check_shapes(inputs: MetricInputs) -> None:
    real, generated = (list(side.samples.shape[1:]) for side in (inputs.real, inputs.generated))
    if real != generated:
        raise InputError(
            f"generated samples are {generated}, real ones {real}: both must have the same "
            "channels, height and width"
        )


def _never() -> bool:
    return False
