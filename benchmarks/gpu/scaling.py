"""Part 4, where there is more than one GPU: images a second of one, two, four, ... devices."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from benchmarks.gpu.part import REHEARSAL, Report

STEPS = 4 if REHEARSAL else 300
RUN = (
    "model=dcgan",
    "dataset=ring" if REHEARSAL else "dataset=cifar10",
    "network=mlp" if REHEARSAL else "network=dcgan",
    "metrics=none",
    "callbacks=none",
    "logger=none",
    f"trainer.max_steps={STEPS}",
)


def main() -> None:
    """Train with one device, then with twice as many, as long as there are."""
    report = Report.begin("scaling")
    there = 2 if REHEARSAL else torch.cuda.device_count()
    if there < 2:
        report.put(left_out="there is one GPU")
        return
    rows = []
    devices = 1
    while devices <= there and report.left > 5:
        rows.append({"devices": devices, "seconds": _seconds(devices)})
        report.put(steps=STEPS, batch_of_a_device=64, rows=rows)
        devices *= 2


def _seconds(devices: int) -> float:
    """Seconds of training, without the start of the processes."""
    accelerator = "cpu" if REHEARSAL else "gpu"
    with tempfile.TemporaryDirectory() as folder:
        settings = [f"trainer.devices={devices}", f"trainer.accelerator={accelerator}"]
        command = [sys.executable, "-m", "ganzoo.train", *RUN, *settings, f"run_dir={folder}"]
        subprocess.run([*command, f"latest={folder}/latest"], check=True)
        return float(json.loads((Path(folder) / "summary.json").read_text())["seconds"])


if __name__ == "__main__":
    main()
