"""Measure subjects, one after the other, against the same real samples."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from ganzoo.errors import InputError
from ganzoo.evaluation.progress import Counted, Samples
from ganzoo.evaluation.subjects import Maker, Subject
from ganzoo.metrics.comparison import SampleSet
from ganzoo.metrics.evaluator import Evaluator, RealData, Reference
from ganzoo.metrics.extraction import Extraction
from ganzoo.metrics.populations import Population
from ganzoo.metrics.team import Team

log = logging.getLogger("ganzoo")


@dataclass(frozen=True)
class Measured:
    """The values of one subject.

    Attributes:
        subject: What was measured.
        values: For each seed, what the evaluator gave.
        protocol: What a record says of the subject and its samples.
        seconds: How long it took.
    """

    subject: Subject
    values: list[dict[str, float]]
    protocol: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """An evaluation that is done.

    Attributes:
        measured: The values, in the order of the subjects.
        real: The real samples, under each features' name.
        generated: Samples of the last subject, of the first seed, likewise.
        seconds: How long the real side took.
    """

    measured: list[Measured]
    real: dict[str, SampleSet]
    generated: dict[str, SampleSet]
    seconds: float


@dataclass(frozen=True)
class Keeping(Extraction):
    """Extraction that keeps what it made last, so that figures need not make it again."""

    kept: dict[str, SampleSet] = field(default_factory=dict)

    def run(self, population: Population) -> dict[str, SampleSet]:
        """Make samples and features."""
        self.kept.clear()
        self.kept.update(super().run(population))
        return dict(self.kept)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Everything that is to be measured.

    Attributes:
        evaluator: The metrics and features.
        data: The real side.
        subjects: The generated side, at least one, in the shape of the real samples.
        seeds: Seeds of the latents, each of which gives a value.
        device: Where samples and features are made.
    """

    evaluator: Evaluator
    data: RealData
    subjects: Sequence[Subject]
    seeds: Sequence[int]
    device: torch.device

    def run(self) -> Outcome:
        """Measure. The real side is made once.

        Raises:
            InputError: if samples are too few for a metric or not finite, or something cannot be
                read.
        """
        extraction = Keeping(**vars(self.evaluator.share(self.device, Team())))
        started = time.monotonic()
        log.info("%s", self._described())
        extraction.prepare()
        reference = self.evaluator.find_real(self.data, extraction)
        seconds = time.monotonic() - started
        log.info("real samples and their features: %.1f s", seconds)
        measured: list[Measured] = []
        generated: dict[str, SampleSet] = {}
        total = len(self.subjects) * len(self.seeds) * self.evaluator.samples
        with Samples(total) as progress:
            for subject in self.subjects:
                one, generated = self._measure(subject, reference, extraction, progress)
                measured.append(one)
        return Outcome(measured, reference.sets, generated, seconds)

    def _described(self) -> str:
        """What is about to be done, in a line."""
        count, evaluator = len(self.subjects), self.evaluator
        what = self.subjects[0].title if count == 1 else f"{count} checkpoints"
        times = f" with each of {len(self.seeds)} seeds" if len(self.seeds) > 1 else ""
        return (
            f"measuring {what}: {', '.join(evaluator.metrics)} of {evaluator.samples:,} samples"
            f"{times} against up to {evaluator.real_samples:,} real ones, by the features "
            f"{', '.join(evaluator.features)}, on {self.device}"
        )

    def _measure(
        self, subject: Subject, reference: Reference, extraction: Keeping, progress: Samples
    ) -> tuple[Measured, dict[str, SampleSet]]:
        started = time.monotonic()
        maker = subject.open(self.device)
        values: list[dict[str, float]] = []
        shown: dict[str, SampleSet] = {}
        for seed in self.seeds:
            values.append(self._values(maker, reference, extraction, seed, progress))
            shown = shown or dict(extraction.kept)
            if len(self.subjects) == 1 < len(self.seeds):
                log.info("seed %d: %.1f s", seed, time.monotonic() - started)
        if len(self.subjects) > 1:
            log.info("%s: %.1f s", subject.name, time.monotonic() - started)
        protocol = subject.protocol() | maker.protocol()
        return Measured(subject, values, protocol, time.monotonic() - started), shown

    def _values(
        self,
        maker: Maker,
        reference: Reference,
        extraction: Extraction,
        seed: int,
        progress: Samples,
    ) -> dict[str, float]:
        real = next(iter(reference.sets.values()))
        generated = Counted(maker.make(real, self.evaluator.samples, seed), progress)
        return self.evaluator.measure(reference, generated, maker.generator, extraction)


def check_shapes(subjects: Sequence[Subject], real: list[int]) -> None:
    """Refuse samples that cannot be compared, before anything is made for them.

    Args:
        subjects: The generated side.
        real: Shape of a real sample.

    Raises:
        InputError: naming the first subject of another shape.
    """
    for subject in subjects:
        if subject.shape != real:
            raise InputError(
                f"the samples of {subject.name} are {subject.shape}, real ones {real}: "
                f"{_advice(subject.shape, real)}"
            )


def _advice(shape: list[int], real: list[int]) -> str:
    if len(shape) != 3 or len(real) != 3:
        return "both must be images, or points of as many dimensions"
    channels, *size = shape
    return f"set dataset.channels={channels} dataset.image_size={size}".replace(", ", ",")
