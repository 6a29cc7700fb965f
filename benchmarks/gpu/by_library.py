"""The same through the library: Lightning's Trainer, with logger, monitor and progress bar."""

import contextlib
import io
import tempfile
import time

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from benchmarks.gpu.cases import Case, Setting
from benchmarks.gpu.device import Memory, synchronize
from benchmarks.gpu.prepared import Stream, prepare
from benchmarks.library import callbacks_and_logger, discriminator_loss


class Watch(Callback):
    """Times the iterations after the first ones, and keeps every loss of the discriminator.

    Attributes:
        seconds: Of those iterations.
        losses: One for each iteration, the first ones among them.
        peak: The most gigabytes that the model and its iterations hold, or None on a CPU.
    """

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up
        self.seconds = 0.0
        self.losses: list[Tensor] = []
        self.peak: float | None = None
        self._memory = Memory()

    def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
        """Start, once everything is warm."""
        if trainer.global_step == self.warm_up:
            synchronize()
            self._memory.forget_peak()
            self.seconds = -time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_: object) -> None:
        """Keep the loss, without waiting for it."""
        self.losses.append(discriminator_loss(model))

    def on_train_end(self, *_: object) -> None:
        """Stop."""
        synchronize()
        self.seconds += time.perf_counter()
        self.peak = self._memory.peak()


def train(
    case: Case,
    setting: Setting,
    batches: list[Tensor],
    *,
    warm_up: int,
    steps: int,
    seed: int = 0,
) -> Watch:
    """Train a case for a number of iterations after those that warm up, where the batches are."""
    device = batches[0].device
    watch = Watch(warm_up)
    model = prepare(case, setting, device, seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        callbacks, logger = callbacks_and_logger(folder, "monitor", "progress")
        trainer = Trainer(
            max_steps=warm_up + steps,
            max_epochs=-1,
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=1,
            precision=setting.precision,
            log_every_n_steps=50,
            enable_checkpointing=False,
            enable_model_summary=False,
            default_root_dir=folder,
            callbacks=[*callbacks, watch],
            logger=logger,
        )
        torch.manual_seed(seed)
        trainer.fit(model, Stream(batches))
    return watch
