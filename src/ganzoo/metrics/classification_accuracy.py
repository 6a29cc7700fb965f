"""How well a classifier of generated samples knows real ones, and the other way."""

import hashlib
from dataclasses import asdict
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.metrics.classifier import Classifier, ClassifierTraining, accuracy
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.resizing import quantize
from ganzoo.metrics.samples import TwoSampleMetric, check_samples, joined, origin

_FEW = "a classifier needs samples of each class, and with few of them any accuracy is low"


@defaults_from("metrics/classification_accuracy")
class ClassificationAccuracy(TwoSampleMetric):
    """Accuracies of classifiers trained on one kind of samples and tested on another.

    Of samples of a conditional generator with the classes that were asked for. ``compute``
    returns shares of right answers in [0, 1]:

    - ``classification_accuracy_score``: trained on generated, tested on held-out real samples
      (Ravuri and Vinyals 2019, 1905.10887, section 3; GAN-train of Shmelkov et al. 2018,
      1807.09499, section 3). It is low if samples are bad, of other classes than asked for, or
      not diverse;
    - ``gan_test``: trained on real, tested on generated samples (GAN-test of Shmelkov et al.). It
      is low if samples are bad or of other classes, and does not see a lack of diversity; higher
      than ``real_accuracy`` it shows samples that are too easy, or copies of training samples;
    - ``real_accuracy``: trained on real, tested on held-out real samples, which the other two are
      to be read beside.

    All grow with the number of samples that a classifier is trained on: compare values at the
    same counts only.

    Departure: a small convolutional network and a fixed number of steps take the place of the
    papers' residual networks, so accuracies are comparable with each other only.

    Args:
        training: How the classifiers are made and trained, on this metric's device.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: by ``compute`` if a set has fewer samples than there are classes.
    """

    depends_on_features: ClassVar[bool] = False
    needs_held_out: ClassVar[bool] = True
    directions: ClassVar[dict[str, str]] = {
        "classification_accuracy_score": "maximize",
        "gan_test": "maximize",
    }
    real: list[Tensor]
    generated: list[Tensor]
    held_out: list[Tensor]

    def __init__(self, *, training: ClassifierTraining = FROM_CONFIG, **options: Any) -> None:
        super().__init__(**options)
        self.training_settings = training
        for name in ("real", "generated", "held_out"):
            self.add_state(name, default=[], dist_reduce_fx="cat")
            self.add_state(f"{name}_labels", default=[], dist_reduce_fx="cat")
        self._latest_of_real: tuple[str, Classifier] | None = None

    def select(self, samples: SampleSet) -> Tensor:
        """The pictures themselves."""
        return samples.samples

    def update_from(self, inputs: MetricInputs) -> None:
        """Update with the samples, held-out ones too, and their classes.

        Raises:
            InputError: if there are no classes or no held-out samples.
        """
        for samples, real in ((inputs.real, True), (inputs.generated, False)):
            self.update(self.select(samples), labels=samples.require_labels(self), real=real)
        held_out = inputs.require_held_out(self)
        self.hold_out(self.select(held_out), labels=held_out.require_labels(self))

    def update(self, data: Tensor, *, labels: Tensor, real: bool) -> None:
        """Add samples to one of the two sets to train with.

        Args:
            data: Images ``[B, C, H, W]``, in [-1, 1] or uint8, which are kept as 8-bit levels.
            labels: Their classes, int64 ``[B]``: of generated ones those that were asked for.
            real: Whether they come from the data or from the generator.

        Raises:
            InputError: if data is not finite, not images in that range, or of another shape than
                before, or the labels are not one for each.
        """
        self._add(origin(real), data, labels)

    def hold_out(self, data: Tensor, *, labels: Tensor) -> None:
        """Add real samples to test with, which the generator was not trained on.

        Args:
            data: Images ``[B, C, H, W]``, in [-1, 1] or uint8.
            labels: Their classes, int64 ``[B]``.

        Raises:
            InputError: as ``update``.
        """
        self._add("held_out", data, labels)
        self._computed = None  # torchmetrics forgets values in update only

    def compute(self) -> dict[str, Tensor]:
        """Return ``classification_accuracy_score``, ``gan_test`` and ``real_accuracy``, scalars."""
        sets = {name: self._pictures_and_labels(name) for name in ("real", "generated", "held_out")}
        self._check_counts({name: len(labels) for name, (_, labels) in sets.items()}, 2)
        classes = 1 + max(int(labels.max()) for _, labels in sets.values())
        self._check_counts({name: len(labels) for name, (_, labels) in sets.items()}, classes)
        of_real = self._classifier_of_real(*sets["real"], classes)
        of_generated = self._train(*sets["generated"], classes)
        values = {
            "classification_accuracy_score": accuracy(of_generated, *sets["held_out"]),
            "gan_test": accuracy(of_real, *sets["generated"]),
            "real_accuracy": accuracy(of_real, *sets["held_out"]),
        }
        return {name: torch.tensor(value, device=self.device) for name, value in values.items()}

    def protocol(self) -> dict[str, Any]:
        """The settings of the training."""
        return {**super().protocol(), "training": asdict(self.training_settings)}

    def _add(self, name: str, data: Tensor, labels: Tensor) -> None:
        check_samples(data, real=name != "generated")
        if data.ndim != 4:
            raise InputError(
                f"{type(self).__name__} needs images [B, C, H, W], not samples {list(data.shape)}"
            )
        for kept in (self.real, self.generated, self.held_out):
            if len(kept) and kept[0].shape[-3:] != data.shape[1:]:
                raise InputError(
                    f"all samples must have the same size: got {list(data.shape[1:])} "
                    f"after {list(kept[0].shape[-3:])}"
                )
        if labels.shape != data.shape[:1] or labels.is_floating_point() or (labels < 0).any():
            raise InputError(
                f"{len(data)} samples need as many labels, whole numbers from 0 up, not "
                f"{labels.dtype} {list(labels.shape)}"
            )
        getattr(self, name).append(quantize(data.detach()))
        getattr(self, f"{name}_labels").append(labels.long())

    def _check_counts(self, counts: dict[str, int], at_least: int) -> None:
        for name in ("real", "generated"):
            real = name == "real"
            self.require(counts[name], at_least=at_least, real=real, consequence=_FEW)
        if not counts["held_out"]:
            raise InputError(f"{type(self).__name__} needs at least 1 held-out sample, got 0")

    def _pictures_and_labels(self, name: str) -> tuple[Tensor, Tensor]:
        return joined(getattr(self, name)), joined(getattr(self, f"{name}_labels"))

    def _train(self, pictures: Tensor, labels: Tensor, classes: int) -> Classifier:
        return self.training_settings.train(
            pictures, labels, num_classes=classes, device=self.device
        )

    def _classifier_of_real(self, pictures: Tensor, labels: Tensor, classes: int) -> Classifier:
        """The classifier of the real samples, trained once for the same ones."""
        digest = hashlib.sha256(f"{classes} {list(pictures.shape)} {self.device}".encode())
        for values in (pictures, labels):
            digest.update(values.cpu().contiguous().numpy().tobytes())
        key = digest.hexdigest()
        if self._latest_of_real is None or self._latest_of_real[0] != key:
            self._latest_of_real = key, self._train(pictures, labels, classes)
        return self._latest_of_real[1]
