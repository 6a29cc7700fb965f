"""Features of a classifier that is trained on the data set at hand."""

import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.classifier import Classifier, ClassifierTraining, accuracy
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.features.labelled import LabelledPictures, LabelledSource, read_pictures
from ganzoo.metrics.features.maps import last_maps
from ganzoo.metrics.resizing import quantize

# Of the training procedure: another number makes all classifiers anew.
_VERSION = 1

log = logging.getLogger("ganzoo")


@defaults_from("metrics/features/base/classifier")
class ClassifierFeatures(FeatureExtractor):
    """The hidden layer of a small classifier of the data set's own classes.

    ImageNet's features see little in digits or in any pictures unlike photographs; those of a
    classifier of the data at hand are what differs between its classes (as Binkowski et al. 2018,
    1801.01401, and others take a LeNet for MNIST). Values on them are comparable with each other
    only, and only with the same ``fingerprint``.

    The classifier is trained once, by :meth:`prepare` or when features are first asked for, and
    kept in a file whose name is a hash of the pictures, the labels, the settings and the
    architecture. Its accuracy is that on the source's held-out pictures; where there are none, on
    a tenth of the pictures, which is then left out of training.

    Args:
        source: Pictures with labels.
        folder: Where trained classifiers are kept; ``~`` is the user's home.
        training: How the classifier is made and trained.
        limit: The most pictures that are used of either kind, chosen by the training's seed.

    Raises:
        InputError: if the source has no pictures, and, when the classifier is needed, if they
            have no labels or the folder cannot be written.
    """

    name = "classifier"
    _device_marker: Tensor

    def __init__(
        self,
        *,
        source: LabelledSource,
        folder: str | Path = FROM_CONFIG,
        training: ClassifierTraining = FROM_CONFIG,
        limit: int = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(2, limit=limit)
        if len(source.shape) != 3 or not hasattr(source, "gather"):
            raise InputError(
                f"the features classifier need pictures with labels, which "
                f"{type(source).__name__} has not: choose metrics.features=identity"
            )
        self.dimension = training.dimension
        self.shape = list(source.shape)
        self.training_settings, self.limit = training, limit
        self.classifier: Classifier | None = None
        self._source: LabelledSource | None = source
        self._folder = Path(folder).expanduser() / "classifiers"
        self._record: dict[str, Any] = {}
        self.register_buffer("_device_marker", torch.empty(0), persistent=False)
        self.eval()

    def prepare(self) -> None:
        """Train the classifier or take it from its file; a second call does nothing.

        Raises:
            InputError: if the data cannot be had or have no labels, or the folder cannot be
                written.
        """
        if self.classifier is not None:
            return
        assert self._source is not None
        data = read_pictures(self._source, limit=self.limit, seed=self.training_settings.seed)
        self.classifier, correct = self._load_or_train(data)
        self._record = {
            "pictures": len(data.labels),
            "accuracy": correct,
            "tested_on": len(data.test_labels),
            "test_pictures": data.origin,
        }
        self._source = None  # its pictures need not stay in memory

    def features(self, images: Tensor) -> Tensor:
        """Compute ``[B, F]`` of images ``[B, C, H, W]``, quantized to 8 bits."""
        self._check(images)
        return self._prepared().features(quantize(images))

    def feature_maps(self, images: Tensor) -> Sequence[Tensor]:
        """Compute the last map of each size of the classifier's convolutions."""
        self._check(images)
        return last_maps(self._prepared().trunk, images)[0]

    @torch.no_grad()
    def classify(self, features: Tensor) -> Tensor:
        """Compute the logits ``[B, K]`` of the data set's classes, on the features' device."""
        head = self._prepared().head
        logits: Tensor = head(features.to(head.weight.device))
        return logits.to(features.device)

    @property
    def accuracy(self) -> float:
        """The share of held-out pictures that the classifier knows, in [0, 1]."""
        self._prepared()
        return float(self._record["accuracy"])

    def protocol(self) -> dict[str, Any]:
        """Return what decides the features, and how good the classifier is."""
        self._prepared()
        settings = {"training": asdict(self.training_settings), "limit": self.limit}
        return {**super().protocol(), **settings, **self._record}

    def _check(self, images: Tensor) -> None:
        if list(images.shape[1:]) != self.shape:
            raise InputError(
                f"the features {self.name} were trained on images of shape {self.shape}, "
                f"not {list(images.shape[1:])}"
            )

    def _prepared(self) -> Classifier:
        self.prepare()
        assert self.classifier is not None
        return self.classifier

    def _load_or_train(self, data: LabelledPictures) -> tuple[Classifier, float]:
        classifier = self.training_settings.build(self.shape, data.num_classes)
        path = self._folder / f"{self._key(data, classifier)}.pt"
        correct = _read(path, classifier)
        if correct is None:
            with _atomic_write(path) as temporary:
                classifier, correct = self._train(data)
                _write(temporary, classifier, correct)
        return classifier.requires_grad_(False).eval().to(self._device_marker.device), correct

    def _key(self, data: LabelledPictures, classifier: Classifier) -> str:
        settings = [_VERSION, asdict(self.training_settings), str(classifier), data.num_classes]
        digest = hashlib.sha256(json.dumps(settings).encode())
        for values in (data.pictures, data.labels, data.test_pictures, data.test_labels):
            _add_to_digest(digest, values)
        return digest.hexdigest()

    def _train(self, data: LabelledPictures) -> tuple[Classifier, float]:
        log.info(
            "training a classifier on %s pictures in %d classes, once: it is kept in %s",
            f"{len(data.labels):,}",
            data.num_classes,
            self._folder,
        )
        started = time.monotonic()
        classifier = self.training_settings.train(
            data.pictures,
            data.labels,
            num_classes=data.num_classes,
            device=self._device_marker.device,
        )
        correct = accuracy(classifier, data.test_pictures, data.test_labels)
        log.info(
            "trained a classifier on %s pictures in %.0f s: it knows %.2f %% of %s held-out ones",
            f"{len(data.labels):,}",
            time.monotonic() - started,
            100 * correct,
            f"{len(data.test_labels):,}",
        )
        return classifier, correct


def _read(path: Path, classifier: Classifier) -> float | None:
    """Load a file's weights into a classifier; return its accuracy, or None without a good file."""
    if not path.is_file():
        return None
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        if stored["sha256"] != _checksum(stored["weights"], stored["accuracy"]):
            raise ValueError("another checksum")
        classifier.load_state_dict(stored["weights"])
        return float(stored["accuracy"])
    except Exception as error:
        log.warning("%s is damaged (%s): it is made again", path, type(error).__name__)
        return None


def _write(path: Path, classifier: Classifier, correct: float) -> None:
    weights = {name: values.cpu() for name, values in classifier.state_dict().items()}
    stored = {"weights": weights, "accuracy": correct, "sha256": _checksum(weights, correct)}
    torch.save(stored, path)


@contextmanager
def _atomic_write(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, which then takes the place of ``path``.

    It is made before the block, so that a folder that cannot be written is known before training.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
        os.close(descriptor)
        temporary = Path(name)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write to {path.parent} ({error.strerror}): set cache_dir to a folder that "
            "can be written"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _checksum(weights: dict[str, Tensor], correct: float) -> str:
    digest = hashlib.sha256(f"{correct!r}".encode())
    for name, values in weights.items():
        digest.update(name.encode())
        _add_to_digest(digest, values)
    return digest.hexdigest()


def _add_to_digest(digest: Any, values: Tensor) -> None:
    digest.update(f"{values.dtype} {list(values.shape)}".encode())
    digest.update(values.contiguous().flatten().view(torch.uint8).numpy())
