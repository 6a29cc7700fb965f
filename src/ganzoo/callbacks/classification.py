"""Measure how well a discriminator classifies."""

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torchmetrics.classification import MulticlassAccuracy

from ganzoo.callbacks.labelled_samples import LabelledSamples, labelled_samples
from ganzoo.callbacks.measurements import SampleMeasurement
from ganzoo.defaults import defaults_from
from ganzoo.game.evaluating import evaluating
from ganzoo.models.semi_supervised_gan import SemiSupervisedGAN

KINDS = {
    "held_out": "held-out samples",
    "unlabelled": "samples whose labels training did not know",
}


@defaults_from("callbacks/classification")
class Classification(SampleMeasurement):
    """Measures the share of samples that the discriminator classifies rightly.

    Every few generator updates and at the end, the discriminator with its own weights classifies
    the same samples in evaluation mode: held-out ones (``classification/accuracy@held_out``)
    where the data set has some, else those of the training data whose labels are not known in
    training (``classification/accuracy@unlabelled``), which it has seen, but not their labels.
    Where there are neither, and for models that do not classify, nothing is measured.

    The first process measures and tells the others. A measurement changes nothing in training.

    Args:
        every_n_steps: Generator updates from one measurement to the next, at least 1.
        samples: Number of samples, at least 1; where there are fewer, all of them.
        batch_size: Samples that are classified at once, at least 1.
        seed: Chooses the samples.

    Raises:
        InputError: if a number is out of range.
    """

    name = "classification"
    direction = "maximize"

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """Why nothing is classified; None where there are samples to classify."""
        if not isinstance(model, SemiSupervisedGAN):
            return f"{type(model).__name__} does not classify"
        datamodule: Any = getattr(trainer, "datamodule", None)
        self._labelled = labelled_samples(datamodule, KINDS, count=self.samples, seed=self.seed)
        if self._labelled is not None:
            return None
        return (
            "training knows the labels of all samples, and none are held out: "
            "set dataset.labelled_samples"
        )

    def measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """The share that is classified rightly."""
        assert isinstance(model, SemiSupervisedGAN) and self._labelled is not None
        found = accuracy(model, self._labelled, batch_size=self.batch_size)
        return {f"classification/accuracy@{self._labelled.name}": found}

    def describe(self, name: str) -> str:
        """Of how many of which samples."""
        assert self._labelled is not None
        count = len(self._labelled.data)
        return f"share of {count:,} {self._labelled.description} that are classified rightly"


def accuracy(model: SemiSupervisedGAN, labelled: LabelledSamples, *, batch_size: int) -> float:
    """The share of samples whose largest class logit is that of their label, in [0, 1].

    Args:
        model: Left as it is.
        labelled: At least one sample.
        batch_size: Samples that are classified at once.
    """
    metric = MulticlassAccuracy(num_classes=model.classes, average="micro")
    metric.distributed_available_fn = _never  # the other processes are not here
    metric.to(model.device)
    parts = (torch.split(part, batch_size) for part in (labelled.data, labelled.labels))
    with evaluating(model):
        for data, labels in zip(*parts, strict=True):
            metric.update(model.classify(data.to(model.device)), labels.to(model.device))
    return float(metric.compute())


def _never() -> bool:
    return False
