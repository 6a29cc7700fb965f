"""The same through the library: Lightning's Trainer, with logger, monitor and progress bar."""

import contextlib
import io
import tempfile
import time
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from benchmarks.gpu.cases import Case, Setting, Stream
from benchmarks.gpu.part import synchronize
from ganzoo.composition.compose import build, compose_config
from ganzoo.models.gan import GAN


class Watch(Callback):
    """Times the iterations after the first ones, and keeps every loss of the discriminator."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.seconds = 0.0
        self.losses: list[Tensor] = []

    def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
        """Start, once everything is warm."""
        if trainer.global_step == self.warm_up:
            synchronize()
            self.seconds = -time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_: object) -> None:
        """Keep the loss, without waiting for it."""
        assert isinstance(model, GAN)
        self.losses.append(model.latest_terms["discriminator/loss"])

    def on_train_end(self, *_: object) -> None:
        """Stop."""
        synchronize()
        self.seconds += time.perf_counter()


def train(
    case: Case, setting: Setting, device: torch.device, *, warm_up: int, steps: int, seed: int = 0
) -> Watch:
    """Train a case for a number of iterations after those that warm up."""
    model = setting.prepare(case.model(seed).to(device))
    batches = setting.batches(case.shape, device)
    watch = Watch(warm_up)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        trainer = Trainer(
            max_steps=warm_up + steps,
            max_epochs=-1,
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            precision=setting.precision,  # type: ignore[arg-type]
            log_every_n_steps=50,
            enable_checkpointing=False,
            enable_model_summary=False,
            default_root_dir=folder,
            callbacks=[*_callbacks(folder), watch],
            logger=_logger(folder),
        )
        torch.manual_seed(seed)
        trainer.fit(model, Stream(batches))
    return watch


def _parts(folder: str) -> object:
    names = ["callbacks=[monitor,progress]", "logger=csv", f"run_dir={folder}", "dataset=cifar10"]
    return compose_config([*names, "model=gan", "metrics=none"])


def _callbacks(folder: str) -> list[Callback]:
    return [build(node) for node in _parts(folder).callbacks.values()]  # type: ignore[attr-defined]


def _logger(folder: str) -> object:
    Path(folder).mkdir(exist_ok=True)
    return build(_parts(folder).logger.csv)  # type: ignore[attr-defined]
