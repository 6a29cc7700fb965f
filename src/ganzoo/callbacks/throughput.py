"""How fast a run is, and how much memory it takes."""

import sys
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

SAMPLES, MEMORY = "resources/samples_per_second", "resources/peak_memory_gib"
"""Names of the values, in the loggers only: they differ from run to run, all others do not."""


class Throughput(Callback):
    """Logs real samples a second, of all processes, and the peak memory of the first.

    The time is that of whole iterations since the last values were logged, with whatever
    measures and saves between them, but without what happens in the iteration that logs. The
    terms of that iteration have waited for the device, so that nothing has to wait here.
    Memory is what torch has allocated on a GPU, elsewhere what the process held, at its peak.

    Lightning's ``ThroughputMonitor`` makes every iteration wait for a GPU, and warns of a model
    that does not count its operations.
    """

    def __init__(self) -> None:
        self._started: float | None = None
        self._samples = 0

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Begin to count, unless that has begun."""
        if self._started is None:
            self._started, self._samples = time.perf_counter(), 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the samples, and log when the terms of training are."""
        self._samples += _batch_size(batch) * trainer.world_size
        every = trainer.log_every_n_steps  # type: ignore[attr-defined]
        if not every or trainer.global_step % every or self._started is None:
            return
        seconds = time.perf_counter() - self._started
        values = {SAMPLES: self._samples / seconds, MEMORY: peak_memory(pl_module.device)}
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)
        self._started = None


def peak_memory(device: torch.device) -> float:
    """The most memory that was taken so far, in GiB; NaN where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**30
    if sys.platform == "win32":
        return float("nan")
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)  # bytes there, KiB elsewhere


def _batch_size(batch: Any) -> int:
    """Samples in a batch, however its tensors are nested."""
    if isinstance(batch, torch.Tensor):
        return len(batch)
    parts = list(batch.values()) if isinstance(batch, dict) else batch
    return next((_batch_size(part) for part in parts), 0) if isinstance(parts, list | tuple) else 0
