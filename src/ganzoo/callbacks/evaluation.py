"""Measure the generator during training."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics import Metric

from ganzoo.errors import check_positive
from ganzoo.models.sampling import Sampler


class Evaluation(Callback):
    """Measures averaged weights in evaluation mode, every few steps and at the end.

    The same number of samples from the same latents, and the same real data, each time. With
    several processes the first one measures and tells the others. Values are logged as
    ``metrics/<name>`` with the generator update as step.

    Args:
        metrics: Metrics with ``update(data, real=...)`` and ``compute() -> dict``.
        every_n_steps: Generator updates from one measurement to the next, positive.
        samples: Number of generated and of real samples, positive; at most the real ones.
        seed: Chooses the latents and the real samples.
    """

    def __init__(
        self, *, metrics: Mapping[str, Metric], every_n_steps: int, samples: int, seed: int
    ) -> None:
        check_positive(every_n_steps=every_n_steps, samples=samples)
        self.metrics = dict(metrics)
        for metric in self.metrics.values():
            metric.distributed_available_fn = _never  # the first process measures alone
        self.every_n_steps = every_n_steps
        self.samples = samples
        self.seed = seed
        self.history: list[dict[str, float]] = []

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the last measurement of the run that is resumed."""
        if self.history:
            values = {n: torch.tensor(v) for n, v in self.history[-1].items() if n != "step"}
            trainer.callback_metrics.update(values)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Measure when it is time."""
        if trainer.global_step % self.every_n_steps == 0:
            self._evaluate(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure the end of the run, unless that has just been done."""
        if not self.history or self.history[-1]["step"] != trainer.global_step:
            self._evaluate(trainer, pl_module)

    def _evaluate(self, trainer: Trainer, model: LightningModule) -> None:
        datamodule = getattr(trainer, "datamodule", None)
        if not self.metrics or not hasattr(datamodule, "real"):
            return
        assert isinstance(model, Sampler)
        measured = self.measure(model, datamodule) if trainer.is_global_zero else {}
        values = {f"metrics/{name}": float(value) for name, value in measured.items()}
        values = trainer.strategy.broadcast(values)  # all agree on which checkpoint is best
        step = trainer.global_step
        self.history.append({"step": step} | values)
        trainer.callback_metrics.update({n: torch.tensor(v) for n, v in values.items()})
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)

    def state_dict(self) -> dict[str, Any]:
        """All measurements so far."""
        return {"history": self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the measurements of the run that is resumed."""
        self.history = list(state_dict["history"])

    @torch.no_grad()
    def measure(self, model: Sampler, datamodule: Any) -> dict[str, Tensor]:
        """Compute every metric on real samples and on samples of the model.

        Args:
            model: The model to sample from.
            datamodule: Where the real samples come from.
        """
        real, labels = datamodule.real(self.samples, self.seed)
        wanted = labels if getattr(model, "num_classes", None) else None
        fake = model.sample(len(real), labels=wanted, seed=self.seed)
        values: dict[str, Tensor] = {}
        for metric in self.metrics.values():
            metric.to(fake.device).reset()
            metric.update(real.to(fake.device), real=True)
            metric.update(fake, real=False)
            values |= metric.compute()
        return values


def _never() -> bool:
    return False
