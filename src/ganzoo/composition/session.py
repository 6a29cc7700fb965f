"""One run: what a composed config builds, its training, and what it leaves."""

import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning.pytorch import LightningDataModule, Trainer, seed_everything
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig, open_dict

from ganzoo.callbacks.checkpoints import Checkpoints
from ganzoo.callbacks.evaluation import Evaluation
from ganzoo.callbacks.measurements import PeriodicMeasurement
from ganzoo.callbacks.pictures import Pictures
from ganzoo.callbacks.reconstructions import Reconstructions
from ganzoo.checkpoints.reading import read
from ganzoo.checkpoints.transferring import transfer
from ganzoo.composition.choices import NONE, chosen
from ganzoo.composition.compose import build
from ganzoo.composition.create import build_model
from ganzoo.composition.folder import is_first_process
from ganzoo.composition.quiet import quieten
from ganzoo.composition.report import best_and_last, first_lines_of
from ganzoo.composition.trainer import build_trainer
from ganzoo.errors import InputError, nearest
from ganzoo.game.configuration import check_same_model
from ganzoo.game.finite import NonFiniteError
from ganzoo.game.module import AdversarialModule
from ganzoo.game.player import Player
from ganzoo.loggers.metrics_file import MetricsFile
from ganzoo.saving import SaveError
from ganzoo.strategies.failures import LostProcessError

MATMUL_PRECISIONS = ("highest", "high", "medium")

log = logging.getLogger("ganzoo")


@dataclass
class Session:
    """The objects of one run.

    Attributes:
        title: What is trained on what.
        model: The game.
        datamodule: Its data.
        trainer: Lightning's trainer.
        seconds: How long training took so far.
    """

    title: str
    model: AdversarialModule
    datamodule: LightningDataModule
    trainer: Trainer
    seconds: float = 0.0

    @classmethod
    def build(cls, config: DictConfig) -> "Session":
        """Instantiate a composed config, seeded.

        Raises:
            InputError: if a value is wrong or parts do not fit together.
        """
        quieten()
        _choose_matmul_precision(config.float32_matmul_precision)
        seed_everything(config.seed, workers=True, verbose=False)
        choices = HydraConfig.get().runtime.choices
        with open_dict(config):
            config.choices = chosen(config)  # for loggers and config.yaml
        check_swept(config.choices.get("sweep", NONE))
        model = build_model(config, choices["model"], choices["dataset"])
        datamodule = build(config.dataset.datamodule)
        validates = is_overridden("val_dataloader", datamodule, LightningDataModule)
        trainer = build_trainer(config, validates=validates)
        _check_objective(str(config.objective), trainer)
        return cls(f"{choices['model']} on {choices['dataset']}", model, datamodule, trainer)

    def accept(self, checkpoint: Path | None) -> None:
        """Look at the checkpoint to go on from, before anything is written.

        Raises:
            InputError: if it cannot be read or is of another model.
        """
        if checkpoint is None:
            return
        saved = read(checkpoint)
        check_same_model(self.model.configuration, self.model.state_dict(), saved)
        step, end = saved["global_step"], self.trainer.max_steps
        if is_first_process():
            log.info("going on from step %d of %s", step, checkpoint)
            if 0 <= end <= step:
                log.warning("trainer.max_steps=%d is reached already: set more to go on", end)

    def start_from(self, source: str | None) -> None:
        """Give a new run the weights of another one, where one is named.

        Raises:
            InputError: if the checkpoint cannot be used, or its networks are others.
        """
        if source is not None:
            transfer(self.model, source)
        elif self.model.freeze_discriminator_layers and is_first_process():
            log.warning(
                "freeze_discriminator_layers freezes layers that nobody has trained: add "
                "transfer=PATH"
            )

    def announce(self, folder: Path) -> None:
        """Say what is about to be trained, how long, on what and where."""
        if not is_first_process():
            return
        trainer = self.trainer
        sizes = ", ".join(_size(player) for player in self.model.players)
        device = trainer.strategy.root_device.type
        many = f"{trainer.world_size} processes, {device}" if trainer.world_size > 1 else device
        dry = trainer.fast_dev_run  # type: ignore[attr-defined]
        where = "a dry run that keeps nothing" if dry else f"kept in {os.path.relpath(folder)}"
        end = _end(trainer)
        log.info("training %s: %s parameters; %s on %s, %s", self.title, sizes, end, many, where)

    def fit(self, checkpoint: Path | None) -> None:
        """Train, from a checkpoint where one is given.

        Raises:
            NonFiniteError: naming the term, the player, the step and the last good checkpoint.
            SaveError: naming what cannot be written, why, and the last good checkpoint.
            Interrupted: if a signal ended the run.
            LostProcessError: if another process of the run failed, saying which.
            InputError: if a callback monitors a value that nobody logs and insists on it.
        """
        started = time.monotonic()
        path = str(checkpoint) if checkpoint else None
        try:
            self.trainer.fit(self.model, datamodule=self.datamodule, ckpt_path=path)
        except (NonFiniteError, SaveError) as error:
            last = self.outcome().get("checkpoint")
            where = f"the last good checkpoint is {last}" if last else "there is no checkpoint yet"
            raise type(error)(f"{error}: {where}") from error
        except RuntimeError as error:
            if str(error).startswith("Early stopping conditioned on metric"):
                raise InputError(str(error).partition(".")[0]) from error
            lost = getattr(self.trainer.strategy, "lost", None)
            if lost is None:
                raise
            raise LostProcessError(lost) from error
        finally:
            self.seconds = time.monotonic() - started
        if self.trainer.should_stop and is_first_process():
            log.info("a callback has ended training at step %d", self.trainer.global_step)

    def values(self) -> dict[str, float]:
        """The latest value of everything that was logged."""
        return {name: float(value) for name, value in sorted(self.trainer.callback_metrics.items())}

    def measurements(self) -> list[str]:
        """A table of the best and the last value of each metric."""
        measuring = _measuring(self.trainer)
        histories = [callback.history for callback in measuring]
        directions = [callback.directions().items() for callback in measuring]
        return best_and_last(_joined(histories), dict(chain.from_iterable(directions)))

    def profile(self) -> list[str]:
        """The beginning of the profiler's report, where one was asked for."""
        path = _profile(self.trainer)
        return first_lines_of(path) if path else []

    def outcome(self) -> dict[str, str]:
        """Where the pictures, the measurements and the checkpoint are."""
        places: dict[str, Any] = {}
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, Pictures | Reconstructions):
                places[callback.name] = callback.picture_folder.last_picture
            if isinstance(callback, Checkpoints):
                places["checkpoint"] = callback.newest_path
        for logger in self.trainer.loggers:
            if isinstance(logger, MetricsFile):
                places["metrics"] = logger.path
        places["profile"] = _profile(self.trainer)
        return {name: str(path) for name, path in places.items() if path and Path(path).exists()}


def _choose_matmul_precision(name: str | None) -> None:
    if name not in (None, *MATMUL_PRECISIONS):
        raise InputError(
            f"unknown float32_matmul_precision {name!r}: {nearest(str(name), MATMUL_PRECISIONS)}"
        )
    if name is not None:
        torch.set_float32_matmul_precision(name)


def _measuring(trainer: Trainer) -> list[Evaluation | PeriodicMeasurement]:
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return [found for found in callbacks if isinstance(found, Evaluation | PeriodicMeasurement)]


def _joined(histories: Iterable[list[dict[str, float]]]) -> list[dict[str, float]]:
    """All measurements, those of one step in one row."""
    rows: dict[float, dict[str, float]] = {}
    for row in chain.from_iterable(histories):
        rows.setdefault(row["step"], {}).update(row)
    return [rows[step] for step in sorted(rows)]


def _evaluation(trainer: Trainer) -> Evaluation | None:
    return next((found for found in _measuring(trainer) if isinstance(found, Evaluation)), None)


def check_swept(sweep: str) -> None:
    """Refuse a kind of sweep in a run that is none; other processes of a run are never swept."""
    if sweep != NONE and HydraConfig.get().mode == RunMode.RUN and is_first_process():
        raise InputError(f"sweep={sweep} is for several runs: start them with -m")


def _check_objective(objective: str, trainer: Trainer) -> None:
    """Say that there will be no best checkpoint, while there is time to change it."""
    evaluation = _evaluation(trainer)
    if evaluation is None or not evaluation.evaluator.metrics or not is_first_process():
        return
    measured = sorted(evaluation.directions())
    if objective.startswith("metrics/") and objective not in measured:
        log.warning(
            "the objective %s is not measured, so no best checkpoint will be kept: set objective "
            "and direction to one of %s",
            objective,
            ", ".join(measured),
        )


def _end(trainer: Trainer) -> str:
    """When training ends, in words."""
    ends = []
    if trainer.max_steps >= 0:
        ends.append(f"to step {trainer.max_steps:,}")
    if (trainer.max_epochs or -1) > 0 and not trainer.fast_dev_run:  # type: ignore[attr-defined]
        ends.append(f"for {trainer.max_epochs} epochs")
    return " or ".join(ends) or "without an end"


def _profile(trainer: Trainer) -> Path | None:
    """The report of a profiler that writes one."""
    profiler = trainer.profiler  # type: ignore[attr-defined]
    if not (profiler.dirpath and profiler.filename):
        return None
    return next(iter(sorted(Path(profiler.dirpath).glob(f"fit-{profiler.filename}*.txt"))), None)


@contextlib.contextmanager
def global_flags_kept() -> Iterator[None]:
    """Leave torch's global switches to the next run as they were."""
    precision, benchmark = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark
    deterministic = torch.are_deterministic_algorithms_enabled()
    only_warns = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.benchmark = benchmark
        torch.use_deterministic_algorithms(deterministic, warn_only=only_warns)


def close() -> None:
    """Leave nothing to the next run of a sweep: no wandb run, process group or memory."""
    wandb = sys.modules.get("wandb")
    if wandb is not None:
        wandb.finish()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        with contextlib.suppress(RuntimeError):
            torch.distributed.destroy_process_group()
    if HydraConfig.get().mode == RunMode.MULTIRUN:  # the end of a lone run frees its memory
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _size(player: Player) -> str:
    return f"{player.name} {sum(p.numel() for p in player.parameters):,}"
