"""Frechet distance between real and generated samples of the same class."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.features.statistics import feature_statistics
from ganzoo.metrics.frechet import frechet_distance
from ganzoo.metrics.inputs import MetricInputs
from ganzoo.metrics.samples import SampleMetric, joined


class IntraClassFrechetDistance(SampleMetric):
    """The intra FID of conditional generators (Miyato and Koyama 2018, 1802.05637).

    The :class:`~ganzoo.metrics.FrechetDistance` between the real and the generated samples of
    one class, averaged over the classes, which weigh the same however many samples they have. It
    sees what the FID of all classes together cannot: samples of the wrong class, and a lack of
    variety within a class.

    The classes are those of the samples, real or generated, so that a class that is asked of the
    generator but is not in the data is an error, and the other way round. The bias that falls as
    1/N is here that of the few samples of a class, and larger than the FID's: compare values at
    the same counts in a class only.

    Args:
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: by ``compute`` if a class has fewer than 2 samples in one of the sets.
    """

    directions: ClassVar[dict[str, str]] = {"intra_fid": "minimize"}
    real_labels: list[Tensor]
    generated_labels: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("real_labels", default=[], dist_reduce_fx="cat")
        self.add_state("generated_labels", default=[], dist_reduce_fx="cat")

    def update_from(self, inputs: MetricInputs) -> None:
        """Update with the samples and their labels."""
        for samples, real in ((inputs.real, True), (inputs.generated, False)):
            self.update(self.select(samples), labels=samples.require_labels(self), real=real)

    def update(  # type: ignore[override]  # other sets of samples do without labels
        self, data: Tensor, *, labels: Tensor, real: bool
    ) -> None:
        """Add samples to one of the two sets.

        Args:
            data: Features ``[B, F]``.
            labels: Classes ``[B]``, whole numbers.
            real: Whether they come from the data or from the generator.

        Raises:
            InputError: if data is not finite or not of the size of the samples before, or there
                is not one label for each sample.
        """
        if labels.is_floating_point() or list(labels.shape) != [len(data)]:
            raise InputError(
                f"labels must be whole numbers of shape [{len(data)}], one for each sample, "
                f"not {labels.dtype} of shape {list(labels.shape)}"
            )
        super().update(data, real=real)
        (self.real_labels if real else self.generated_labels).append(labels.detach().long())

    def compute(self) -> dict[str, Tensor]:
        """Return ``intra_fid``, a scalar of at least 0, in the features' units squared."""
        real, generated = self.gather(at_least=2)
        real_labels, generated_labels = joined(self.real_labels), joined(self.generated_labels)
        classes = {*real_labels.tolist(), *generated_labels.tolist()}
        distances = [
            _distance(real[real_labels == label], generated[generated_labels == label], label)
            for label in sorted(classes)
        ]
        return {"intra_fid": torch.stack(distances).mean().float().to(self.device)}


def _distance(real: Tensor, generated: Tensor, label: int) -> Tensor:
    if min(len(real), len(generated)) < 2:
        raise InputError(
            "IntraClassFrechetDistance needs at least 2 real and 2 generated samples of each "
            f"class, got {len(real)} real and {len(generated)} generated of class {label}: "
            "set metrics.evaluator.samples higher, as with few of a class the value is far too high"
        )
    return frechet_distance(*feature_statistics(real), *feature_statistics(generated))
