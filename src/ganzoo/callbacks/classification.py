"""Measure how well a discriminator classifies."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from ganzoo.errors import check_whole
from ganzoo.models.semi_supervised_gan import SemiSupervisedGAN

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Samples with true labels that a classifier has not learned from.

    Attributes:
        data: Samples ``[N, ...]``.
        labels: Their classes ``[N]``, int64.
        name: Which they are, as part of the measured value's name.
        words: The same in words.
    """

    data: Tensor
    labels: Tensor
    name: str
    words: str


class Classification(Callback):
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

    Attributes:
        history: All measurements so far, each with its ``step``.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(self, *, every_n_steps: int, samples: int, batch_size: int, seed: int) -> None:
        check_whole(every_n_steps=every_n_steps, samples=samples, batch_size=batch_size)
        check_whole(0, seed=seed)
        self.every_n_steps, self.samples = every_n_steps, samples
        self.batch_size, self.seed = batch_size, seed
        self.history: list[dict[str, float]] = []
        self._examples: Examples | None = None
        self._active = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the samples; show the last measurement of a resumed run."""
        if trainer.is_global_zero and isinstance(pl_module, SemiSupervisedGAN):
            self._examples = self._find(getattr(trainer, "datamodule", None))
        self._active = trainer.strategy.broadcast(self._examples is not None)
        if trainer.is_global_zero and not self._active:
            log.info("classification is not measured: %s", _reason(pl_module))
        if self.history:
            _show(trainer, self.history[-1])

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure when it is time."""
        if self._active and trainer.global_step % self.every_n_steps == 0:
            self._measure(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the end of the run, unless that has just been done, and say what it is."""
        if not self._active:
            return
        if not self.history or self.history[-1]["step"] != trainer.global_step:
            self._measure(trainer, pl_module)
        if self._examples is not None:
            ((name, value),) = _values(self.history[-1]).items()
            log.info("%s %.4f: %s", name, value, self._examples.words)

    def directions(self) -> dict[str, str]:
        """Whether a logged value is better smaller (``"minimize"``) or larger."""
        return {name: "maximize" for entry in self.history[-1:] for name in _values(entry)}

    def state_dict(self) -> dict[str, Any]:
        """The measurements that were due; one that was made because a run ended is not kept."""
        return {"history": [row for row in self.history if row["step"] % self.every_n_steps == 0]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the measurements of the run that is resumed."""
        self.history = list(state_dict["history"])

    def _find(self, datamodule: Any) -> Examples | None:
        kinds = {
            "held_out": "held-out samples",
            "unlabelled": "samples whose labels training did not know",
        }
        for name, words in kinds.items():
            found = getattr(datamodule, name, _nothing)(self.samples, self.seed)
            if found is not None and found[1] is not None:
                count = f"share of {len(found[0]):,} {words} that are classified rightly"
                return Examples(data=found[0], labels=found[1], name=name, words=count)
        return None

    def _measure(self, trainer: Trainer, model: LightningModule) -> None:
        values: dict[str, float] = {}
        if self._examples is not None:
            assert isinstance(model, SemiSupervisedGAN)
            found = accuracy(model, self._examples, batch_size=self.batch_size)
            values = {f"classification/accuracy@{self._examples.name}": found}
        values = trainer.strategy.broadcast(values)  # all agree on which checkpoint is best
        self.history.append({"step": trainer.global_step} | values)
        _show(trainer, values)
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)


@torch.no_grad()
def accuracy(model: SemiSupervisedGAN, examples: Examples, *, batch_size: int) -> float:
    """The share of examples whose largest class logit is that of their label, in [0, 1].

    Args:
        model: Left as it is.
        examples: At least one.
        batch_size: Examples that are classified at once.
    """
    metric = MulticlassAccuracy(num_classes=model.classes, average="micro")
    metric.distributed_available_fn = _never  # the other processes are not here
    metric.to(model.device)
    parts = (torch.split(part, batch_size) for part in (examples.data, examples.labels))
    with _evaluating(model):
        for data, labels in zip(*parts, strict=True):
            metric.update(model.classify(data.to(model.device)), labels.to(model.device))
    return float(metric.compute())


@contextmanager
def _evaluating(model: SemiSupervisedGAN) -> Iterator[None]:
    network = model.discriminator
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def _values(entry: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in entry.items() if name != "step"}


def _show(trainer: Trainer, entry: dict[str, float]) -> None:
    values = {name: torch.tensor(value) for name, value in _values(entry).items()}
    trainer.callback_metrics.update(values)


def _reason(model: LightningModule) -> str:
    if not isinstance(model, SemiSupervisedGAN):
        return f"{type(model).__name__} does not classify"
    return (
        "training knows the labels of all samples, and none are held out: "
        "set dataset.labelled_samples"
    )


def _nothing(count: int, seed: int) -> None:
    return None


def _never() -> bool:
    return False
