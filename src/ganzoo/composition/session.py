"""One run: what a composed config builds, its training, and what it leaves."""

import contextlib
import gc
import logging
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import LightningDataModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import CSVLogger
from omegaconf import DictConfig, OmegaConf

from ganzoo.callbacks.checkpoints import Checkpoints
from ganzoo.callbacks.samples import SampleGrid
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.composition.compose import build
from ganzoo.composition.create import build_model
from ganzoo.composition.folder import is_first_process
from ganzoo.models.gan import GAN
from ganzoo.models.record import NonFiniteError
from ganzoo.strategies.player_parallel import NAME

log = logging.getLogger("ganzoo")


@dataclass
class Session:
    """The objects of one run.

    Attributes:
        model: The game.
        datamodule: Its data.
        trainer: Lightning's trainer.
        seconds: How long training took so far.
    """

    model: GAN
    datamodule: LightningDataModule
    trainer: Trainer
    seconds: float = 0.0

    @classmethod
    def build(cls, config: DictConfig) -> "Session":
        """Instantiate a composed config, seeded.

        Raises:
            InputError: if a value is wrong or parts do not fit together.
        """
        _quieten()
        seed_everything(config.seed, workers=True, verbose=False)
        choices = HydraConfig.get().runtime.choices
        model = build_model(config, choices["model"], choices["dataset"])
        datamodule = build(config.dataset.datamodule)
        if is_first_process():
            log.info(
                "%s on %s: generator %s, discriminator %s parameters",
                choices["model"],
                choices["dataset"],
                *(
                    f"{sum(p.numel() for p in network.parameters()):,}"
                    for network in (model.generator, model.discriminator)
                ),
            )
        return cls(model, datamodule, _trainer(config))

    def fit(self, checkpoint: str | None) -> None:
        """Train, from a checkpoint where one is given.

        Raises:
            NonFiniteError: naming the term, the step and the last checkpoint.
        """
        started = time.monotonic()
        try:
            self.trainer.fit(self.model, datamodule=self.datamodule, ckpt_path=checkpoint)
        except NonFiniteError as error:
            last = self.outcome().get("checkpoint")
            where = f"the last checkpoint is {last}" if last else "there is no checkpoint yet"
            raise NonFiniteError(f"{error}: {where}") from error
        finally:
            self.seconds = time.monotonic() - started

    def values(self) -> dict[str, float]:
        """The latest value of everything that was logged."""
        named = self.trainer.callback_metrics.items()
        return {name: float(value) for name, value in sorted(named) if name != "step"}

    def outcome(self) -> dict[str, str]:
        """Where the pictures, the measurements and the checkpoint are."""
        places: dict[str, Any] = {}
        for callback in self.trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, SampleGrid):
                places["samples"] = callback.last_picture
            if isinstance(callback, Checkpoints):
                places["checkpoint"] = callback.last_path
        for logger in self.trainer.loggers:
            if isinstance(logger, CSVLogger):
                places["metrics"] = Path(logger.log_dir) / "metrics.csv"
        return {name: str(path) for name, path in places.items() if path and Path(path).exists()}


def _quieten() -> None:
    # Advertisements, advice for other kinds of training, and deprecations inside Lightning.
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="lightning")


def _trainer(config: DictConfig) -> Trainer:
    callbacks = [build(node) for node in config.callbacks.values()]
    if not config.trainer.enable_progress_bar:
        callbacks = [callback for callback in callbacks if not isinstance(callback, ProgressBar)]
    loggers = [build(node) for node in config.logger.values()]
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            continue  # config.yaml lies beside its file already
        logger.log_hyperparams(OmegaConf.to_container(config, resolve=True))
    plugins = [build(node) for node in config.trainer.plugins or []]
    trainer: Trainer = build(
        config.trainer,
        strategy=_strategy(config.trainer),
        callbacks=callbacks,
        logger=loggers or False,
        plugins=[*plugins, AtomicCheckpointIO()],
    )
    return trainer


def _strategy(config: DictConfig) -> Any:
    """The game's own strategy where there is more than one device and no other is asked for."""
    if config.strategy != "auto":
        return config.strategy
    probe = Trainer(
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.num_nodes,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return NAME if probe.num_devices * probe.num_nodes > 1 else "auto"


def close() -> None:
    """Leave nothing to the next run of a sweep: no wandb run, process group or memory."""
    wandb = sys.modules.get("wandb")
    if wandb is not None:
        wandb.finish()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        with contextlib.suppress(RuntimeError):
            torch.distributed.destroy_process_group()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
