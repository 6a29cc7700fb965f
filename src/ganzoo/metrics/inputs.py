"""What metrics look at: real, generated and held-out samples, and the generator."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.features.base import FeatureExtractor


@dataclass(frozen=True)
class SampleSet:
    """Samples of one origin, as each metric may want to see them.

    Attributes:
        samples: ``[N, ...]``, images in [-1, 1] or points, on the CPU.
        labels: Classes ``[N]``, int64, or None.
        features: ``[N, F]``, float32, on the CPU.
        extractor: Where the features come from.
    """

    samples: Tensor
    labels: Tensor | None
    features: Tensor
    extractor: FeatureExtractor

    @cached_property
    def logits(self) -> Tensor:
        """Class logits ``[N, K]`` of the extractor's classifier.

        Raises:
            InputError: if it has none.
        """
        return self.extractor.classify(self.features)

    def require_labels(self, metric: object) -> Tensor:
        """The labels ``[N]``.

        Raises:
            InputError: if there are none, saying which metric needs them.
        """
        if self.labels is None:
            raise InputError(
                f"{type(metric).__name__} needs samples with labels: use a conditional model and "
                "a data set with classes (dataset.num_classes)"
            )
        return self.labels


class Generator(Protocol):
    """What metrics of the generator itself, not of its samples, may ask of it."""

    def latents(self, count: int, *, seed: int) -> Tensor:
        """Draw latents ``[count, Z]``, the same for the same seed, on the generator's device."""

    def decode(self, latents: Tensor) -> Tensor:
        """Return the samples ``[B, ...]`` of latents ``[B, Z]``."""


@dataclass(frozen=True)
class MetricInputs:
    """All that a metric may look at.

    Attributes:
        real: Samples of the data that the generator learns from.
        generated: Samples of the generator.
        held_out: Samples of the same distribution that the generator does not learn from, for
            metrics with ``needs_held_out``; None where the data set has none.
        generator: The generator, or None where there are only samples of it.
    """

    real: SampleSet
    generated: SampleSet
    held_out: SampleSet | None = None
    generator: Generator | None = None

    def require_held_out(self, metric: object) -> SampleSet:
        """The held-out samples.

        Raises:
            InputError: if there are none, saying which metric needs them.
        """
        if self.held_out is None:
            raise InputError(
                f"{type(metric).__name__} needs real samples that the generator was not trained "
                "on, and this data set has none apart: dataset.held_out_root or dataset.held_out "
                "names them where a data set has such a setting"
            )
        return self.held_out

    def require_generator(self, metric: object) -> Generator:
        """The generator.

        Raises:
            InputError: if there are only samples, saying which metric needs it.
        """
        if self.generator is None:
            raise InputError(
                f"{type(metric).__name__} needs the generator itself: evaluate a checkpoint, "
                "not samples"
            )
        return self.generator
