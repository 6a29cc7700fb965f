"""Measure sources of samples, one after the other, against the same real samples."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from ganzoo.evaluation.result import EvaluationResult, SeedValues, SourceResult, collect
from ganzoo.evaluation.sources import SampleSource
from ganzoo.metrics.bootstrap import Bootstrap
from ganzoo.metrics.evaluator import Evaluator, Reference
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.real_data import RealData

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
        results: list[SourceResult] = []
        for source in self.sources:
            result, reference, generated = self._measure(source, reference)
            results.append(result)
        assert reference is not None
        return EvaluationResult(
            sources=results,
            directions=self.evaluator.directions(),
            real=reference.real,
            generated=generated,
        )

    def _description(self) -> str:
        """What is about to be done, in a line."""
        count, evaluator = len(self.sources), self.evaluator
        what = self.sources[0].name if count == 1 else f"{count} checkpoints"
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
        self, source: SampleSource, known: Reference | None
    ) -> tuple[SourceResult, Reference, dict[str, SampleSet]]:
        """The values of a source, what it was compared with, and its samples of the first seed."""
        evaluable = source.load(self.device)
        reference = self._reference(evaluable.reference_data(self.data), known)
        started, protocol = time.monotonic(), source.protocol()
        by_seed: list[dict[str, float]] = []
        generated: dict[str, SampleSet] = {}
        for seed in self.seeds:
            samples = evaluable.evaluation_samples(
                self.data, count=self.evaluator.samples, real_labels=reference.labels, seed=seed
            )
            measured = self.evaluator.measure(reference, samples)
            by_seed.append(measured.values)
            generated, protocol = generated or measured.generated, protocol | dict(samples.protocol)
            if len(self.sources) * len(self.seeds) > 1:
                log.info("%s, seed %d: %.1f s", source.name, seed, time.monotonic() - started)
        return (
            SourceResult(
                name=source.name,
                step=source.step,
                values=self._collected(by_seed),
                protocol=protocol,
                seconds=time.monotonic() - started,
            ),
            reference,
            generated,
        )

    def _collected(self, by_seed: list[dict[str, float]]) -> dict[str, SeedValues]:
        metrics = self.evaluator.metrics.values()
        bootstrapped = any(isinstance(metric, Bootstrap) for metric in metrics)
        return collect(by_seed, list(self.evaluator.features), bootstrapped=bootstrapped)
