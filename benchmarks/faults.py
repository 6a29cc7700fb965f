"""Kill a run at random moments, resume it, and compare its end with that of a run never killed.

``python -m benchmarks.faults --kills 100`` starts the same run again and again, kills it with
SIGKILL at a moment drawn uniformly from its training time, lets ``checkpoint=last`` finish it, and
prints how many were killed, killed while a file was being written, resumed, and ended equal:
weights, optimizers, schedules, random states and metrics.csv (but for speed and memory), to the
last bit. Further words are settings of the run: ``trainer.devices=2 trainer.accelerator=cpu``.
"""

import argparse
import contextlib
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.tables import add_argument, column, write
from ganzoo.callbacks.throughput import MEMORY, SAMPLES

# A checkpoint after every update, so that much of the time goes into saving.
RUN = [
    "model=wgan_gp",
    "dataset=ring",
    "penalty=r1",
    "penalty.r1.interval=3",
    "optimizer.ema=exponential",
    "optimizer.schedule=cosine",
    "optimizer.schedule.end=80",
    "trainer.max_steps=60",
    "trainer.accelerator=cpu",
    "trainer.devices=1",
    "trainer.log_every_n_steps=1",
    "callbacks.checkpoints.every_n_steps=1",
    "callbacks.evaluation.every_n_steps=20",
    "metrics.evaluator.samples=100",
    "callbacks.samples.every_n_steps=30",
]
COUNTED = ("killed", "killed in a save", "resumed", "equal ends")
COMPARED = ("state_dict", "optimizer_states", "lr_schedulers", "ganzoo", "global_step", "callbacks")


@dataclass(frozen=True)
class Run:
    """A run in a folder of its own."""

    folder: Path
    settings: list[str]

    @property
    def home(self) -> Path:
        """Where the run writes."""
        return self.folder / "runs" / "latest"

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start it, or go on with it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "ganzoo.train", *self.settings, *more],
            cwd=self.folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "stderr.txt").open("ab"),
            start_new_session=True,
        )

    def wait_until_it_trains(self, process: subprocess.Popen[bytes]) -> None:
        """Return when the run's folder holds its config, which is written just before training."""
        while process.poll() is None and not (self.home / "config.yaml").exists():
            time.sleep(0.005)

    def end(self) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """What the run has ended with, but for its speed and memory."""
        saved = torch.load(self.home / "checkpoints" / "last.ckpt", weights_only=True)
        with (self.home / "metrics.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            del row[SAMPLES], row[MEMORY]
        return {name: saved[name] for name in COMPARED}, rows


def equal(one: Any, other: Any) -> bool:
    """Whether two structures hold the same values to the last bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def trial(
    run: Run, delay: float, whole: tuple[dict[str, Any], list[dict[str, str]]]
) -> Counter[str]:
    """Kill a run after a delay, resume it, and count what happened."""
    counts: Counter[str] = Counter()
    process = run.start()
    run.wait_until_it_trains(process)
    time.sleep(delay)
    if process.poll() is None:
        counts["killed"] += 1
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    counts["killed in a save"] += any((run.home / "checkpoints").glob(".*.ckpt.*"))
    if run.start("checkpoint=last").wait() == 0:
        counts["resumed"] += 1
    counts["equal ends"] += equal(list(run.end()), list(whole))
    return counts


def main() -> int:
    """Run the trials and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    add_argument(parser)
    options, more = parser.parse_known_args()
    moments = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = [Run(Path(folder) / str(number), [*RUN, *more]) for number in range(options.kills)]
        whole = Run(Path(folder) / "whole", [*RUN, *more])
        process = whole.start()
        whole.wait_until_it_trains(process)
        started = time.monotonic()
        process.wait()
        seconds = time.monotonic() - started
        expected = whole.end()
        delays = [moments.uniform(0, seconds) for _ in runs]
        with ThreadPoolExecutor(options.at_once) as pool:
            results = pool.map(trial, runs, delays, [expected] * len(runs))
            total = sum(results, Counter())
    print(
        f"{options.kills} runs of {seconds:.1f} s: "
        + ", ".join(f"{n} {c}" for c, n in total.items())
    )
    write(
        options.json,
        title="Runs that were killed",
        head=f"of {options.kills} runs of {seconds:.1f} s",
        columns={"runs": column("runs")},
        rows={name: {"runs": total[name]} for name in COUNTED},
        seeds=[options.seed],
    )
    return 0 if total["resumed"] == total["equal ends"] == options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
