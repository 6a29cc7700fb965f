"""Confidence intervals for metrics, by the bootstrap."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.samples import SampleMetric, TwoSampleMetric

Statistic = Callable[[Tensor, Tensor], Mapping[str, Tensor]]


class Bootstrap(SampleMetric):
    """Percentile confidence intervals for any metric of samples.

    The metric is computed again and again on samples drawn with replacement from the real and,
    independently, from the generated ones, as many as there are (Efron and Tibshirani 1993,
    section 13.3). Of each name that the metric returns, ``compute`` returns ``<name>``, its value
    on the samples themselves, and ``<name>_low`` and ``<name>_high``, between which the central
    share of the resampled values lies. scipy draws and ranks them.

    The interval holds what the samples leave open, not the metric's own bias at their number. And
    a resample holds some samples twice, which raises a distance between sets and shrinks the
    balls of nearest-neighbour metrics, so that their intervals may even miss the value itself.
    Samples of neither set, such as held-out ones, stay as they are.

    Args:
        metric: For :meth:`measure` any; for ``update`` and ``compute`` one that needs nothing but
            rows ``[B, D]``, features, logits or points.
        resamples: How often it is computed, besides once on the samples themselves; at least 2.
        confidence: The share within the interval, above 0 and below 1.
        seed: Chooses the resamples; the same at each call.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if resamples is not a whole number from 2 up or confidence not between 0 and 1,
            and by ``compute`` if a set has fewer than 2 samples, and where the metric raises it.
    """

    def __init__(
        self,
        *,
        metric: TwoSampleMetric,
        resamples: int,
        confidence: float,
        seed: int,
        **options: Any,
    ) -> None:
        check_whole(2, resamples=resamples)
        if not 0 < confidence < 1:
            raise InputError(f"confidence must be above 0 and below 1, not {confidence}")
        super().__init__(**options)
        self.metric = metric
        # The samples of all devices are gathered here.
        self.metric.distributed_available_fn = _not_distributed
        self.resamples = resamples
        self.confidence = confidence
        self.seed = seed

    @property
    def directions(self) -> dict[str, str]:  # type: ignore[override]
        """Those of the metric; the ends of an interval have none."""
        return self.metric.directions

    @property
    def depends_on_features(self) -> bool:  # type: ignore[override]
        """Whether the metric does."""
        return self.metric.depends_on_features

    @property
    def needs_held_out(self) -> bool:  # type: ignore[override]
        """Whether the metric does."""
        return self.metric.needs_held_out

    def protocol(self) -> dict[str, Any]:
        """The settings, and those of the metric."""
        inner = {"metric": type(self.metric).__name__, **self.metric.protocol()}
        return {**super().protocol(), "of": inner}

    def select(self, samples: SampleSet) -> Tensor:
        """What the metric looks at."""
        return self.metric.select(samples)

    def measure(self, inputs: MetricInputs) -> dict[str, Tensor]:
        """Compute the values of these inputs with the ends of their intervals."""
        sides = inputs.real, inputs.generated

        def statistic(*chosen: Tensor) -> dict[str, Tensor]:
            real, generated = map(_take, sides, chosen)
            return self.metric.measure(replace(inputs, real=real, generated=generated))

        return self._with_intervals(statistic, *(len(side.samples) for side in sides))

    def compute(self) -> dict[str, Tensor]:
        """Return each value with the ends of its interval, scalars."""
        real, generated = self.gather(at_least=1)

        def statistic(first: Tensor, second: Tensor) -> dict[str, Tensor]:
            return self._values(real[first.to(real.device)], generated[second.to(real.device)])

        return self._with_intervals(statistic, len(real), len(generated))

    def _with_intervals(self, statistic: Statistic, *counts: int) -> dict[str, Tensor]:
        for count, real in zip(counts, (True, False), strict=True):
            self.require(count, at_least=2, real=real)
        values = dict(statistic(*map(torch.arange, counts)))

        def of_one_resample(*chosen: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
            """From indices ``[1, N]`` and ``[1, M]`` to values ``[K, 1]``, as scipy wants it."""
            found = statistic(*(torch.from_numpy(indices[0]) for indices in chosen))
            return np.array([[float(found[name])] for name in values])

        ends = stats.bootstrap(
            tuple(map(np.arange, counts)),
            of_one_resample,
            vectorized=True,
            batch=1,  # no more indices at once than one resample has
            n_resamples=self.resamples,
            confidence_level=self.confidence,
            method="percentile",
            rng=np.random.default_rng(self.seed),
        ).confidence_interval
        for name, low, high in zip(list(values), ends.low, ends.high, strict=True):
            values[f"{name}_low"], values[f"{name}_high"] = values[name].new_tensor([low, high])
        return values

    def _values(self, real: Tensor, generated: Tensor) -> dict[str, Tensor]:
        self.metric.reset()
        self.metric.update(real, real=True)
        self.metric.update(generated, real=False)
        values: dict[str, Tensor] = dict(self.metric.compute())
        self.metric.reset()
        return values


def _not_distributed() -> bool:
    return False


def _take(side: SampleSet, chosen: Tensor) -> SampleSet:
    """The chosen samples of a set, with all that belongs to them."""
    labels = None if side.labels is None else side.labels[chosen]
    return replace(
        side, samples=side.samples[chosen], labels=labels, features=side.features[chosen]
    )
