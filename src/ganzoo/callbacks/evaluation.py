"""Measure generated samples during training."""

from collections.abc import Iterable
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from ganzoo.callbacks.periodic import Periodic, log
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.game.module import AdversarialModule
from ganzoo.metrics.evaluator import Evaluator, Reference
from ganzoo.metrics.processes import gather
from ganzoo.metrics.real_data import Drawn, RealData
from ganzoo.sampling.evaluable import Evaluable


@defaults_from("callbacks/evaluation")
class Evaluation(Periodic):
    """Measures averaged weights in evaluation mode, every few steps and at the end.

    Which samples are compared with which is the model's to say, see
    :class:`~ganzoo.sampling.evaluable.Evaluable`. The same number of samples from the same
    latents, and the same real data, each time. All processes make samples and features, the first
    one compares them and tells the others. Values are logged as ``metrics/<name>@<samples>`` with
    the generator update as step. Extractors that must be trained or downloaded are made ready
    before training begins, and one measurement is tried then: what the data cannot give is left
    out with a warning before training, and only if nothing can be measured does the run end there.

    ``Trainer.validate`` and ``Trainer.test`` measure once, against the real samples of a data
    module of the library's or else those of the loader that they are given.

    Args:
        evaluator: What is measured.
        every_n_steps: Generator updates from one measurement to the next, positive.

    Attributes:
        history: All measurements so far, each with its ``step``.
    """

    name = "metrics"

    def __init__(self, *, evaluator: Evaluator, every_n_steps: int = FROM_CONFIG) -> None:
        super().__init__(every_n_steps=every_n_steps)
        self.evaluator = evaluator
        self.history: list[dict[str, float]] = []
        self._reference: Reference | None = None
        self._loaded = LoadedSamples()

    def obstacle(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model makes no samples, or the data give none to compare with."""
        if not isinstance(model, Evaluable):
            return f"{type(model).__name__} makes no samples to compare with real ones"
        if not hasattr(_datamodule(trainer), "real"):
            return "real samples to compare with come from a data module with real(count, seed)"
        return None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Make ready what is compared with; show the last measurement of a resumed run."""
        if self.evaluator.metrics:
            super().on_train_start(trainer, pl_module)
        if self._active:
            self._reference = self._make_reference(pl_module, _datamodule(trainer))
            self._rehearse(trainer, pl_module)
        if self.history:
            _show(trainer, {n: v for n, v in self.history[-1].items() if n != "step"})

    def act(self, trainer: Trainer, model: LightningModule) -> None:
        """Measure, remember and log."""
        assert self._reference is not None
        values = self._measure(trainer, model, _datamodule(trainer), self._reference)
        self.history.append({"step": trainer.global_step} | values)
        _show(trainer, values)
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *index: int
    ) -> None:
        """Keep the real samples of a loader."""
        self._keep(trainer, pl_module, batch)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure once."""
        self._measure_once(trainer, pl_module)

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *index: int
    ) -> None:
        """Keep the real samples of a loader."""
        self._keep(trainer, pl_module, batch)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure once."""
        self._measure_once(trainer, pl_module)

    def directions(self) -> dict[str, str]:
        """Whether a logged value is better smaller (``"minimize"``) or larger."""
        found = self.evaluator.directions()
        return {f"metrics/{name}": direction for name, direction in found.items()}

    def state_dict(self) -> dict[str, Any]:
        """All measurements so far."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the measurements of the run that is resumed."""
        self.history = list(state_dict["history"])
        if self.history:
            self.last_step = int(self.history[-1]["step"])

    def _make_reference(self, model: LightningModule, data: RealData) -> Reference:
        if not isinstance(model, Evaluable):
            raise InputError(f"{type(model).__name__} makes no samples to compare with real ones")
        return self.evaluator.reference(model.reference_data(data), model.device)

    def _rehearse(self, trainer: Trainer, model: LightningModule) -> None:
        """Measure for nothing: what is wrong with a metric is better known before training."""
        if not self.history:
            assert self._reference is not None
            values = self._measure(trainer, model, _datamodule(trainer), self._reference)
            lost = set(self.directions()) - set(values)
            if trainer.is_global_zero:
                _check_objectives(trainer.callbacks, lost)  # type: ignore[attr-defined]

    def _measure(
        self, trainer: Trainer, model: LightningModule, data: RealData, reference: Reference
    ) -> dict[str, float]:
        """All values on samples of the model, in every process: they agree which is best."""
        assert isinstance(model, Evaluable)
        samples = model.evaluation_samples(
            data,
            count=self.evaluator.samples,
            real_labels=reference.labels,
            seed=self.evaluator.seed,
        )
        values = self.evaluator.measure(reference, samples).values
        return trainer.strategy.broadcast({f"metrics/{n}": v for n, v in values.items()})

    def _keep(self, trainer: Trainer, model: LightningModule, batch: Any) -> None:
        if trainer.state.fn != TrainerFn.FITTING and not hasattr(_datamodule(trainer), "real"):
            assert isinstance(model, AdversarialModule)
            self._loaded.add(model.read_batch(batch))

    def _measure_once(self, trainer: Trainer, model: LightningModule) -> None:
        loaded, self._loaded = self._loaded, LoadedSamples()
        if trainer.state.fn == TrainerFn.FITTING or not self.evaluator.metrics:
            return  # training measures by its own steps
        datamodule = _datamodule(trainer)
        data: RealData = datamodule if hasattr(datamodule, "real") else loaded
        reference = self._make_reference(model, data)
        model.log_dict(self._measure(trainer, model, data, reference), batch_size=1)


class LoadedSamples:
    """The real samples of a loader, of all processes, as data to compare with."""

    def __init__(self) -> None:
        self._fields: dict[str, list[Tensor]] = {}

    def add(self, fields: dict[str, Any]) -> None:
        """Keep the fields of a batch, as the model reads it."""
        for name, field in fields.items():
            if field is not None:
                self._fields.setdefault(name, []).append(field.cpu())

    def real(self, count: int, seed: int) -> Drawn:
        """The first ``count`` samples, and their labels where there are any."""
        fields = {n: gather(torch.cat(batches))[:count] for n, batches in self._fields.items()}
        fields = {n: f.float() if f.is_floating_point() else f for n, f in fields.items()}
        labels = fields.pop("labels", None)
        return fields.get("real", fields), labels

    def held_out(self, count: int, seed: int) -> None:
        """None: all were given."""


def _datamodule(trainer: Trainer) -> Any:
    return getattr(trainer, "datamodule", None)


def _show(trainer: Trainer, values: dict[str, float]) -> None:
    trainer.callback_metrics.update({name: torch.tensor(value) for name, value in values.items()})


def _check_objectives(callbacks: Iterable[Callback], lost: set[str]) -> None:
    """Say that the value which decides what checkpoint is best is not among those measured."""
    for name in {str(getattr(callback, "monitor", "")) for callback in callbacks} & lost:
        log.warning(
            "%s cannot be measured, so no best checkpoint will be kept: set objective and "
            "direction to another value",
            name,
        )
