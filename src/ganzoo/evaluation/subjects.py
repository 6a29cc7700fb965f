"""What is evaluated: the model of a checkpoint, or samples that are stored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from ganzoo.errors import InputError
from ganzoo.evaluation.checkpoints import Checkpoint
from ganzoo.evaluation.stored import Stored
from ganzoo.game.module import AdversarialModule
from ganzoo.metrics.comparison import Generator, SampleSet
from ganzoo.metrics.populations import Population, StoredSamples
from ganzoo.sampling.generated import AveragedGenerator, GeneratedSamples
from ganzoo.sampling.latents import LatentSampler


class Maker(Protocol):
    """Where generated samples come from.

    Attributes:
        generator: The generator itself, or None.
    """

    generator: Generator | None

    def make(self, real: SampleSet, count: int, seed: int) -> Population:
        """Return ``count`` samples, with the classes of the real ones where both have classes."""

    def protocol(self) -> dict[str, Any]:
        """What a record says of how the samples were made."""


class Subject(Protocol):
    """Something that is evaluated.

    Attributes:
        name: A path that tells it from others.
        title: What it is, in words.
        shape: Shape of one sample.
        step: Generator updates so far, or None.
        series: What subjects of one curve share.
    """

    name: str
    title: str
    shape: list[int]
    step: int | None
    series: str

    def open(self, device: torch.device) -> Maker:
        """Make ready to make samples; what that takes is freed with the result."""

    def protocol(self) -> dict[str, Any]:
        """What a record says of it."""


class ModelOfCheckpoint:
    """A model as a checkpoint holds it.

    Args:
        checkpoint: The checkpoint.
        loader: From its file to the model.
    """

    def __init__(self, checkpoint: Checkpoint, loader: Callable[[Path], AdversarialModule]) -> None:
        self._checkpoint, self._loader = checkpoint, loader
        path = checkpoint.path.resolve()
        self.name, self.series = str(path), str(path.parent)
        self.title = (
            f"{checkpoint.model} on {checkpoint.dataset} at step {checkpoint.step} ({self.name})"
        )
        self.shape = checkpoint.shape
        self.step: int | None = checkpoint.step

    def open(self, device: torch.device) -> "ModelMaker":
        """Load the model."""
        model = self._checkpoint.load(self._loader).to(device)
        if not isinstance(model, LatentSampler):
            raise InputError(f"{self.name} is of a {type(model).__name__}, which draws no samples")
        return ModelMaker(model)

    def protocol(self) -> dict[str, Any]:
        """Return path, hash, step and model."""
        return {
            "checkpoint": self.name,
            "sha256": self._checkpoint.sha256,
            "step": self._checkpoint.step,
            "model": self._checkpoint.model,
            "dataset": self._checkpoint.dataset,
        }


class ModelMaker:
    """Makes samples as training does when it measures.

    Args:
        model: A model, on the device where it is to work.
    """

    def __init__(self, model: LatentSampler) -> None:
        self._model = model
        self.generator: Generator | None = AveragedGenerator(model)

    def make(self, real: SampleSet, count: int, seed: int) -> Population:
        """Draw latents and, of a model with classes, the real samples' classes in turn."""
        return GeneratedSamples(self._model, count=count, real_labels=real.labels, seed=seed)

    def protocol(self) -> dict[str, Any]:
        """Say which weights are used."""
        return {"weights": "averaged" if len(self._model.ema) else "raw"}


class StoredSubject:
    """Generated samples that are stored.

    Args:
        stored: The samples.
    """

    generator: Generator | None = None

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self.name = self.title = self.series = str(stored.path.resolve())
        self.step: int | None = None
        self.shape = list(stored.samples.shape[1:])

    def open(self, device: torch.device) -> "StoredSubject":
        """Return itself: there is nothing to load."""
        return self

    def make(self, real: SampleSet, count: int, seed: int) -> Population:
        """Take all samples, or choose ``count`` of them.

        Raises:
            InputError: if there are fewer.
        """
        stored = len(self._stored.samples)
        if count > stored:
            raise InputError(f"samples={count}, but {self._stored.path} holds {stored}")
        return StoredSamples(*self._stored.choose(count, seed))

    def protocol(self) -> dict[str, Any]:
        """Return what there is to say of the stored samples, whether opened or not."""
        return self._stored.protocol()
