"""One process of two fails: its error is shown, the other ends soon, and nothing is left."""

import time

import pytest
import torch.distributed as dist

from ganzoo.strategies.failures import name_lost_connection

SCRIPT = """
import os, signal, sys, time
from pathlib import Path
import torch
from lightning.pytorch import Callback, Trainer
from ganzoo import create_model
from ganzoo.composition.compose import build, compose_config

torch.set_num_threads(1)
rank, moment, how, busy = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])


class Fail(Callback):
    steps = 0

    def setup(self, trainer, pl_module, stage):
        if moment == "setup":
            self.fail(trainer)

    def on_train_batch_end(self, trainer, *_):
        self.steps += 1
        if moment == "step" and self.steps == 3:
            self.fail(trainer)

    def fail(self, trainer):
        if trainer.global_rank != rank:
            time.sleep(busy)
            return
        Path("failed").write_text(str(time.time()))
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ZeroDivisionError(f"deliberate, of rank {rank}")


overrides = ["dataset.batch_size=8", "network.generator.width=8"]
config = compose_config(["model=gan", "dataset=ring", *overrides])
trainer = Trainer(max_steps=10_000, max_epochs=-1, accelerator="cpu", devices=2, logger=False,
                  strategy="player_parallel", enable_checkpointing=False, callbacks=[Fail()],
                  enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
                  use_distributed_sampler=False)
model = create_model("gan", dataset="ring", overrides=overrides)
trainer.fit(model, datamodule=build(config.dataset.datamodule))
"""

# The rank that fails, when, how, and for how many seconds the other one then sends nothing.
CASES = [
    (0, "step", "raise", 0),
    pytest.param(1, "step", "raise", 0, marks=pytest.mark.nightly),
    pytest.param(0, "setup", "raise", 0, marks=pytest.mark.nightly),
    (1, "setup", "raise", 0),
    (1, "step", "kill", 0),
    (0, "step", "kill", 90),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "moment", "how", "busy"), CASES)
def test_a_failing_process_ends_the_run(rank, moment, how, busy, start, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = start(tmp_path, "script.py", str(rank), moment, how, str(busy))
    assert not done.left
    assert done.code != 0
    assert done.ended - float((tmp_path / "failed").read_text()) < 30
    if how == "raise":
        assert f"[rank{rank}]: ZeroDivisionError: deliberate, of rank {rank}" in done.err
    said = done.err.splitlines()[-1]
    if busy:
        return  # the other one has nothing to say: it was ended in the middle of its work
    expected = {
        (0, "raise"): "[rank0]: ZeroDivisionError",
        (1, "raise"): "[rank0]: RuntimeError: rank 1 failed first: see its error",
        (1, "kill"): "[rank0]: RuntimeError: rank 1 was ended by signal 9",
    }
    assert said.startswith(expected[rank, how])


COMMAND = """
import os
from lightning.pytorch import Callback


class Fail(Callback):
    def on_train_batch_end(self, trainer, *_):
        if os.environ.get("LOCAL_RANK") == "1" and trainer.global_step == 3:
            raise ZeroDivisionError("deliberate")
"""


@pytest.mark.slow
def test_a_failing_process_ends_the_command(start, tmp_path):
    (tmp_path / "mine.py").write_text(COMMAND)
    started = time.monotonic()
    done = start(
        tmp_path,
        *("model=gan", "dataset=ring", "dataset.batch_size=8", "trainer.accelerator=cpu"),
        *("trainer.devices=2", "metrics=none", "+callbacks.fail._target_=mine.Fail"),
        module="ganzoo.train",
    )
    assert not done.left
    assert done.code != 0
    assert "[rank1]: ZeroDivisionError: deliberate" in done.err
    assert time.monotonic() - started < 90


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        (RuntimeError("[pair.cc:561] Connection closed by peer. Check the logs"), True),
        (dist.DistNetworkError("Broken pipe"), True),
        (ValueError("wrong input"), False),
        (NotImplementedError("a kind of RuntimeError"), False),
    ],
)
def test_only_an_error_in_sending_is_blamed_on_another_process(error, blamed):
    before = str(error)
    cause = name_lost_connection(error, "rank 3 failed first")
    assert (cause == "rank 3 failed first") == blamed
    assert str(error).startswith("rank 3 failed first (noticed as: ") == blamed
    assert blamed or str(error) == before
