"""The same through the library: Lightning's Trainer, with logger, monitor and progress bar."""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from benchmarks.gpu.cases import Case, Setting
from benchmarks.gpu.device import Memory, synchronize
from benchmarks.gpu.prepared import Stream, prepare
from benchmarks.library import callbacks_and_logger, discriminator_loss


class Watch(Callback):
    """Times stretches of iterations, and keeps every loss of the discriminator.

    Args:
        warm_up: Iterations before the first stretch.
        steps: Iterations of a stretch.
        before_each: Called before each stretch.

    Attributes:
        seconds: Of each stretch.
        losses: One for each iteration, the first ones among them.
        peak: The most gigabytes that the model and its iterations hold, or None on a CPU.
    """

    def __init__(self, warm_up: int, steps: int, before_each: Callable[[], object]) -> None:
        self.warm_up, self.steps, self.before_each = warm_up, steps, before_each
        self.seconds: list[float] = []
        self.losses: list[Tensor] = []
        self.peak: float | None = None
        self._memory = Memory()

    def on_train_start(self, *_: object) -> None:
        """Start at once, where nothing is to be warm."""
        if self.warm_up == 0:
            self._start()

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_: object) -> None:
        """Keep the loss, without waiting for it; stop and start the clock."""
        self.losses.append(discriminator_loss(model))
        beyond = trainer.global_step - self.warm_up
        if beyond >= 0 and beyond % self.steps == 0:
            if beyond:
                self._stop()
            if trainer.global_step < trainer.max_steps:
                self._start()

    def _start(self) -> None:
        self.before_each()
        synchronize()
        self._memory.forget_peak()
        self._started = time.perf_counter()

    def _stop(self) -> None:
        synchronize()
        self.seconds.append(time.perf_counter() - self._started)
        self.peak = self._memory.peak()


def train(
    case: Case,
    setting: Setting,
    batches: list[Tensor],
    *,
    warm_up: int,
    steps: int,
    repetitions: int = 1,
    before_each: Callable[[], object] = lambda: None,
    seed: int = 0,
) -> Watch:
    """Train a case where the batches are, in stretches of iterations after those that warm up."""
    device = batches[0].device
    watch = Watch(warm_up, steps, before_each)
    model = prepare(case, setting, device, seed)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        callbacks, logger = callbacks_and_logger(folder, "monitor", "progress")
        trainer = Trainer(
            max_steps=warm_up + repetitions * steps,
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
