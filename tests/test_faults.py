"""What a run does when it is told to stop, killed, or cannot write: as a user's own process."""

import csv
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks.faults import RUN, Run, trial
from ganzoo.train import main
from tests.forked import Forked

ENDLESS = (
    "model=gan", "dataset=ring", "dataset.batch_size=8", "network.latent.latent_dim=4",
    "network.generator.width=16", "network.discriminator.width=16",
    "trainer.accelerator=cpu", "trainer.max_steps=1000000",
    "callbacks.checkpoints.every_n_steps=20", "trainer.log_every_n_steps=1",
    "metrics.evaluator.samples=16", "callbacks.samples.points=16",
)  # fmt: skip


@pytest.fixture
def begin(tmp_path):
    """Begin the training command in an empty folder; whatever still runs at the end is killed."""
    outputs, begun = tmp_path / "outputs", []
    outputs.mkdir()

    def call(*words):
        begun.append(Forked(main, [*ENDLESS, *words], tmp_path, outputs / str(len(begun))))
        return begun[-1]

    yield call
    end(begun)


@pytest.fixture
def start(tmp_path):
    """The same in a Python of its own, as a user starts it."""
    started = []

    def call(*words):
        process = subprocess.Popen(
            [sys.executable, "-m", "ganzoo.train", *ENDLESS, *words],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield call
    end(started)


def end(processes):
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for(path, process, seconds=120):
    until = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, f"{path} has not come"
        time.sleep(0.02)


def step(path):
    return torch.load(path, weights_only=True)["global_step"]


def members(group):
    """Processes that are left of a process group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


@pytest.mark.parametrize(
    ("signum", "devices"),
    [
        pytest.param(signal.SIGTERM, 1, marks=pytest.mark.nightly),
        (signal.SIGINT, 1),
        (signal.SIGTERM, 2),
    ],
)
def test_a_run_that_is_told_to_stop_saves_first(start, begin, tmp_path, signum, devices):
    process = start(f"trainer.devices={devices}")
    last = tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt"
    wait_for(last, process)
    os.kill(process.pid, signum)  # the first process alone
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signum
    at = step(last)
    assert f"stopped by {signal.Signals(signum).name} at step {at}: checkpoint=last goes on" in said
    assert "Traceback" not in said
    assert members(process.pid) == []
    resume = begin if devices == 1 else start
    again = resume(f"trainer.devices={devices}", "checkpoint=last", f"trainer.max_steps={at + 3}")
    _, said = again.communicate(timeout=120)
    assert again.returncode == 0, said
    assert f"going on from step {at} of" in said
    assert step(last) == at + 3
    assert len(list((tmp_path / "runs").glob("gan-ring/*"))) == 1
    with (tmp_path / "runs" / "latest" / "metrics.csv").open(newline="") as file:
        rows = [int(row["step"]) for row in csv.DictReader(file) if row["generator/loss"]]
    assert rows == list(range(1, at + 4))  # each once, that of the last iteration too


SLOW = """
import time
from lightning.pytorch import Callback

class Slow(Callback):
    def on_train_batch_end(self, *rest):
        open("slow", "w").close()
        time.sleep(60)
"""


def test_a_second_interrupt_stops_at_once(begin, tmp_path):
    (tmp_path / "slow_package.py").write_text(SLOW)
    process = begin("+callbacks.slow._target_=slow_package.Slow")
    wait_for(tmp_path / "slow", process)
    os.kill(process.pid, signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=5) == -signal.SIGINT


def test_a_full_disk_stops_the_run_and_keeps_the_last_good_checkpoint(begin, tmp_path):
    process = begin()
    last = tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt"
    wait_for(last, process)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))  # as if it were full
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    lines = [line for line in said.splitlines() if line.startswith("ganzoo: ")]
    assert len(lines) == 1
    assert "cannot write" in lines[0]
    assert "File too large" in lines[0]
    assert f"the last good checkpoint is {last.resolve()}" in lines[0]
    assert "Traceback" not in said
    assert step(last) >= 20
    assert {path.name for path in last.parent.iterdir()} <= {"last.ckpt", "previous.ckpt"}


def test_a_run_may_go_on_without_what_it_cannot_write(begin, tmp_path):
    process = begin("callbacks.on_save_error=continue")
    last = tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt"
    wait_for(last, process)
    unlimited = resource.prlimit(
        process.pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY)
    )
    time.sleep(2)
    kept = step(last)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
    until = time.monotonic() + 30
    while step(last) == kept:  # once there is room again, it saves again
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    refused = [
        line for line in said.splitlines() if "callbacks.on_save_error=continue says" in line
    ]
    assert len([line for line in refused if ".ckpt: File too large" in line]) == 1
    assert len([line for line in refused if "metrics.csv: File too large" in line]) <= 1


def test_a_run_is_resumed_with_its_checkpoint_damaged(begin, tmp_path):
    process = begin("trainer.max_steps=50")
    assert process.wait(timeout=120) == 0
    last = tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-100])
    again = begin("trainer.max_steps=60", "checkpoint=last")
    _, said = again.communicate(timeout=120)
    assert again.returncode == 0
    assert "trying the one before" in said
    assert "going on from step 40 of" in said
    assert step(last) == 60


class ForkedRun(Run):
    def start(self, *more):
        self.folder.mkdir(exist_ok=True)
        outputs = self.folder / f"outputs{len(list(self.folder.iterdir()))}"
        return Forked(main, [*self.settings, *more], self.folder, outputs)


def test_a_killed_run_ends_as_if_it_never_was(tmp_path):
    whole, killed = (ForkedRun(tmp_path / name, RUN) for name in ("whole", "killed"))
    process = whole.start()
    whole.wait_until_it_trains(process)
    began = time.monotonic()
    assert process.wait() == 0
    counts = trial(killed, (time.monotonic() - began) / 2, whole.end())
    assert [counts[name] for name in ("killed", "resumed", "equal ends")] == [1, 1, 1]


@pytest.mark.nightly
@pytest.mark.parametrize(("devices", "kills"), [(1, 2), (2, 2)])
def test_killed_runs_end_as_if_they_never_were(devices, kills):
    """A few rounds of ``benchmarks/faults.py``, whose counts docs/results.md gives."""
    words = ["-m", "benchmarks.faults", "--kills", str(kills), "--at-once", "1"]
    command = [sys.executable, *words, f"trainer.devices={devices}"]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{kills} equal ends" in done.stdout
