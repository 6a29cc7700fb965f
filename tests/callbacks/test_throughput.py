"""Samples a second and peak memory."""

import time

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger

from ganzoo.callbacks.throughput import MEMORY, SAMPLES, Throughput, peak_memory


class Recorder(CSVLogger):
    def __init__(self, folder):
        super().__init__(folder)
        self.rows = []

    def log_metrics(self, metrics, step=None):
        if SAMPLES in metrics:
            self.rows.append((step, metrics))


class Slow(Callback):
    """A step of 20 ms, and a pause of 300 ms after those that are logged."""

    def on_train_batch_end(self, trainer, pl_module, *rest):
        time.sleep(0.3 if trainer.global_step % 2 == 0 else 0.02)


def test_samples_of_all_steps_since_the_last_row(gan, trainer, batches, tmp_path):
    logger = Recorder(tmp_path)
    callbacks = [Throughput(), Slow()]
    run = trainer(6, callbacks=callbacks, logger=logger, log_every_n_steps=2)
    run.fit(gan(), batches(8, 2, labels=3))
    assert [step for step, _ in logger.rows] == [2, 4, 6]
    speeds = [values[SAMPLES] for _, values in logger.rows]
    assert all(2 * 8 / 0.3 < speed < 2 * 8 / 0.02 for speed in speeds)  # without the long pause
    assert logger.rows[-1][1][MEMORY] == pytest.approx(peak_memory(torch.device("cpu")), rel=0.1)
    assert SAMPLES not in run.callback_metrics


def test_nothing_is_logged_where_nothing_shall_be(gan, trainer, batches, tmp_path):
    logger = Recorder(tmp_path)
    run = trainer(3, callbacks=[Throughput()], logger=logger, log_every_n_steps=0)
    run.fit(gan(), batches(8, 2))
    assert logger.rows == []


def test_peak_memory_holds_what_is_there():
    before = peak_memory(torch.device("cpu"))
    block = torch.ones(2**28)  # 1 GiB
    assert peak_memory(torch.device("cpu")) >= max(before, block.numel() * 4 / 2**30)
