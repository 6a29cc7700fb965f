"""Measurements throughout a run: their history, who is told of them, and resuming."""

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningModule, Trainer

from ganzoo.callbacks.labelled_samples import LabelledSamples
from ganzoo.callbacks.periodic import Periodic, log, undisturbed
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole


@defaults_from()
class PeriodicMeasurement(Periodic):
    """Measures a model every few generator updates and at the end of a run.

    The first process measures and tells the others; values go to the loggers and to
    ``trainer.callback_metrics``, where a checkpoint's or a sweep's objective finds them. A
    measurement changes nothing in training.

    Args:
        every_n_steps: Generator updates from one measurement to the next, at least 1.

    Attributes:
        history: All measurements so far, each with its ``step``.
        direction: Whether values are better smaller (``"minimize"``) or larger (``"maximize"``).

    Raises:
        InputError: if the number is out of range.
    """

    direction: ClassVar[str]

    def __init__(self, *, every_n_steps: int) -> None:
        super().__init__(every_n_steps=every_n_steps)
        self.history: list[dict[str, float]] = []

    @abstractmethod
    def measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """The values by name; asked of the first process alone, in evaluation mode."""

    @abstractmethod
    def describe(self, name: str) -> str:
        """What the value of that name is, in words."""

    def act(self, trainer: Trainer, model: LightningModule) -> None:
        """Measure, remember and log."""
        values: dict[str, float] = {}
        if trainer.is_global_zero:
            with undisturbed(model):
                values = self.measure(trainer, model)
        values = trainer.strategy.broadcast(values)  # all agree on which checkpoint is best
        self.history.append({"step": trainer.global_step} | values)
        _show(trainer, values)
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find out what can be measured; show the last measurement of a resumed run."""
        super().on_train_start(trainer, pl_module)
        if self.history:
            _show(trainer, _values(self.history[-1]))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the end of the run, unless that has just been done, and say what it is."""
        super().on_train_end(trainer, pl_module)
        if self._active and trainer.is_global_zero:
            for name, value in _values(self.history[-1]).items():
                log.info("%s %.4f: %s", name, value, self.describe(name))

    def directions(self) -> dict[str, str]:
        """Whether a logged value is better smaller (``"minimize"``) or larger."""
        return {name: self.direction for entry in self.history[-1:] for name in _values(entry)}

    def state_dict(self) -> dict[str, Any]:
        """The measurements that were due; one that was made because a run ended is not kept."""
        return {"history": [row for row in self.history if row["step"] % self.every_n_steps == 0]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the measurements of the run that is resumed."""
        self.history = list(state_dict["history"])
        if self.history:
            self.last_step = int(self.history[-1]["step"])


@defaults_from()
class SampleMeasurement(PeriodicMeasurement):
    """Measures on a number of samples, some at a time.

    Args:
        every_n_steps: Generator updates from one measurement to the next, at least 1.
        samples: Number of samples, at least 1.
        batch_size: Samples that pass through a network at once, at least 1.
        seed: Chooses the samples.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        every_n_steps: int = FROM_CONFIG,
        samples: int = FROM_CONFIG,
        batch_size: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(samples=samples, batch_size=batch_size)
        check_whole(0, seed=seed)
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self._labelled: LabelledSamples | None = None


def _values(entry: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in entry.items() if name != "step"}


def _show(trainer: Trainer, values: dict[str, float]) -> None:
    trainer.callback_metrics.update({name: torch.tensor(value) for name, value in values.items()})
