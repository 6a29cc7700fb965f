"""Measure the generator during training."""

import logging
from typing import Any, TypeVar

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.evaluator import Evaluator, RealData, Reference
from ganzoo.metrics.extraction import Extraction
from ganzoo.metrics.team import Team
from ganzoo.sampling.generated import AveragedGenerator, GeneratedSamples
from ganzoo.sampling.latents import LatentSampler

T = TypeVar("T")

log = logging.getLogger("ganzoo")


@defaults_from("callbacks/evaluation")
class Evaluation(Callback):
    """Measures averaged weights in evaluation mode, every few steps and at the end.

    The same number of samples from the same latents, and the same real data, each time. All
    processes make samples and features, the first one compares them and tells the others. Values
    are logged as ``metrics/<name>@<samples>`` with the generator update as step. Extractors that
    must be trained or downloaded are made ready before training begins, and one measurement is
    tried then: what the data cannot give is left out with a warning before training, and only if
    nothing can be measured does the run end there.

    ``Trainer.validate`` and ``Trainer.test`` measure once, against the real samples of a data
    module of the library's or else those of the loader that they are given.

    Args:
        evaluator: What is measured.
        every_n_steps: Generator updates from one measurement to the next, positive.
    """

    def __init__(self, *, evaluator: Evaluator, every_n_steps: int = FROM_CONFIG) -> None:
        check_whole(every_n_steps=every_n_steps)
        self.evaluator = evaluator
        self.every_n_steps = every_n_steps
        self.history: list[dict[str, float]] = []
        self._extraction: Extraction | None = None
        self._reference: Reference | None = None
        self._given = GivenSamples()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Make ready what is compared with; show the last measurement of a resumed run."""
        datamodule: Any = getattr(trainer, "datamodule", None)
        if self.evaluator.metrics and not isinstance(pl_module, LatentSampler):
            log.info("without metrics: %s makes nothing from latents", type(pl_module).__name__)
        elif hasattr(datamodule, "real"):
            self._make_ready(trainer, pl_module, datamodule)
            self._rehearse(trainer, pl_module)
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

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *index: int
    ) -> None:
        """Keep the real samples of a loader."""
        self._given.add(pl_module, batch)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure once."""
        self._measure_once(trainer, pl_module)

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *index: int
    ) -> None:
        """Keep the real samples of a loader."""
        self._given.add(pl_module, batch)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure once."""
        self._measure_once(trainer, pl_module)

    def _measure_once(self, trainer: Trainer, model: LightningModule) -> None:
        given, self._given = self._given, GivenSamples()
        datamodule: Any = getattr(trainer, "datamodule", None)
        if trainer.state.fn == TrainerFn.FITTING:
            return  # training measures by its own steps
        self._make_ready(trainer, model, datamodule if hasattr(datamodule, "real") else given)
        if self._reference is not None:
            model.log_dict(self._values(trainer, model), batch_size=1)

    def _make_ready(self, trainer: Trainer, model: LightningModule, data: RealData) -> None:
        if self.evaluator.metrics:
            self._extraction = self.evaluator.share(model.device, Processes(trainer))
            self._extraction.prepare()
            self._reference = self.evaluator.find_real(data, self._extraction)

    def _rehearse(self, trainer: Trainer, model: LightningModule) -> None:
        """Measure for nothing: what is wrong with a metric is better known before training."""
        if not self.history and self._reference and self._extraction:
            assert isinstance(model, LatentSampler)
            measured = self.measure(model, self._reference, self._extraction)
            if trainer.is_global_zero:
                lost = set(self.directions()) - {f"metrics/{name}" for name in measured}
                _check_objectives(trainer.callbacks, lost)  # type: ignore[attr-defined]

    def _evaluate(self, trainer: Trainer, model: LightningModule) -> None:
        if self._reference is None:
            return
        values = self._values(trainer, model)
        step = trainer.global_step
        self.history.append({"step": step} | values)
        trainer.callback_metrics.update({n: torch.tensor(v) for n, v in values.items()})
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)

    def _values(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        assert isinstance(model, LatentSampler) and self._reference and self._extraction
        measured = self.measure(model, self._reference, self._extraction)
        values = {f"metrics/{name}": value for name, value in measured.items()}
        return trainer.strategy.broadcast(values)  # all agree on which checkpoint is best

    def measure(
        self, model: LatentSampler, reference: Reference, extraction: Extraction
    ) -> dict[str, float]:
        """Compute every metric on samples of the model; every process must call this."""
        real = next(iter(reference.sets.values()))
        generated = GeneratedSamples(
            model,
            count=self.evaluator.samples,
            real_labels=real.labels,
            seed=self.evaluator.seed,
        )
        generator = AveragedGenerator(model)
        return self.evaluator.measure(reference, generated, generator, extraction)

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


def _check_objectives(callbacks: list[Callback], lost: set[str]) -> None:
    """Say that the value which decides what checkpoint is best is not among those measured."""
    for name in {str(getattr(callback, "monitor", "")) for callback in callbacks} & lost:
        log.warning(
            "%s cannot be measured, so no best checkpoint will be kept: set objective and "
            "direction to another value",
            name,
        )


class GivenSamples:
    """The real samples of a loader, as data to compare with."""

    def __init__(self) -> None:
        self._data: list[Tensor] = []
        self._labels: list[Tensor] = []

    def add(self, model: LightningModule, batch: Any) -> None:
        """Keep a batch, as the model reads it."""
        assert isinstance(model, LatentSampler)
        fields = model.read_batch(batch)
        labels = fields["labels"]
        self._data.append(fields["real"].float().cpu())
        self._labels += [] if labels is None else [labels.cpu()]

    def real(self, count: int, seed: int) -> tuple[Tensor, Tensor | None]:
        """The first ``count`` samples, and their labels where there are any."""
        labels = torch.cat(self._labels)[:count] if self._labels else None
        return torch.cat(self._data)[:count], labels

    def held_out(self, count: int, seed: int) -> None:
        """None: all were given."""


class Processes(Team):
    """The processes of a trainer.

    Args:
        trainer: Whose they are.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.rank, self.size = trainer.global_rank, trainer.world_size
        self._strategy = trainer.strategy

    def gather(self, parts: list[Tensor], count: int) -> Tensor:
        """Join the batches of all processes, ``[count, ...]``, on the CPU."""
        own = super().gather(parts, count)
        if self.size == 1:
            return own
        rows = self.agree(len(own))  # of the first process, which has the most
        padded = own.new_zeros(rows, *own.shape[1:])
        padded[: len(own)] = own
        every = self._strategy.all_gather(padded.to(self._strategy.root_device))
        return every.flatten(end_dim=1)[:count].cpu()

    def agree(self, value: T) -> T:
        """Return the first process's value."""
        agreed: T = self._strategy.broadcast(value)
        return agreed
