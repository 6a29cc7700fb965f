"""Measure sources of samples, one after the other, against the same real samples."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ganzoo.evaluation.result import EvaluationResult, SourceResult
from ganzoo.evaluation.seed_values import collect
from ganzoo.evaluation.sources import SampleSource
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.evaluator import Evaluator, MetricResult, Reference
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.real_data import RealData
from ganzoo.sampling.evaluable import Evaluable

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, kw_only=True)
class EvaluationJob:
    """Everything that is to be measured.

    Attributes:
        evaluator: The metrics and features.
        data: The real side.
        sources: The generated side, at least one, in the shape of the real samples.
        seeds: Seeds of the generated samples, each of which gives a value.
        device: Where samples and features are computed.
    """

    evaluator: Evaluator
    data: RealData
    sources: Sequence[SampleSource]
    seeds: Sequence[int]
    device: torch.device

    def run(self) -> EvaluationResult:
        """Measure. The real side is made once where all sources are compared with the same.

        Raises:
            InputError: if samples are too few for a metric or not finite, or something cannot be
                read.
        """
        log.info("%s", self._description())
        reference: Reference | None = None
        generated: dict[str, SampleSet] = {}
        results: list[SourceResult] = []
        for source in self.sources:
            evaluable = source.load(self.device)
            reference = self._reference(evaluable.reference_data(self.data), reference)
            result, generated = self._measure(source, evaluable, reference)
            results.append(result)
        return EvaluationResult(
            sources=results,
            directions=self.evaluator.directions(),
            real={} if reference is None else reference.real,
            generated=generated,
        )

    def _description(self) -> str:
        """What is about to be done, in a line."""
        count, evaluator = len(self.sources), self.evaluator
        what = self.sources[0].title if count == 1 else f"{count} checkpoints"
        times = f" with each of {len(self.seeds)} seeds" if len(self.seeds) > 1 else ""
        return (
            f"measuring {what}: {', '.join(evaluator.metrics)} of {evaluator.samples:,} samples"
            f"{times} against up to {evaluator.real_samples:,} real ones, by the features "
            f"{', '.join(evaluator.features)}, on {self.device}"
        )

    def _reference(self, data: RealData, known: Reference | None) -> Reference:
        if known is not None and known.data == data:
            return known
        started = time.monotonic()
        reference = self.evaluator.reference(data, self.device)
        log.info("real samples and their features: %.1f s", time.monotonic() - started)
        return reference

    def _measure(
        self, source: SampleSource, evaluable: Evaluable, reference: Reference
    ) -> tuple[SourceResult, dict[str, SampleSet]]:
        """The values of a source with all seeds, and its samples of the first."""
        started, protocol = time.monotonic(), source.protocol()
        first: MetricResult | None = None
        by_seed: list[dict[str, float]] = []
        for seed in self.seeds:
            samples = evaluable.evaluation_samples(
                self.data, count=self.evaluator.samples, real_labels=reference.labels, seed=seed
            )
            measured = self.evaluator.measure(reference, samples)
            first, protocol = first or measured, protocol | dict(samples.protocol)
            by_seed.append(measured.values)
            if len(self.sources) * len(self.seeds) > 1:
                seconds = time.monotonic() - started
                log.info("%s, seed %d: %.1f s", source.name, seed, seconds)
        assert first is not None
        result = SourceResult(
            name=source.name,
            series=source.series,
            step=source.step,
            values=collect(by_seed, list(self.evaluator.features), bootstrapped=self._bootstrapped),
            protocol=protocol,
            seconds=time.monotonic() - started,
        )
        return result, first.generated

    @property
    def _bootstrapped(self) -> bool:
        return any(isinstance(metric, Bootstrap) for metric in self.evaluator.metrics.values())
