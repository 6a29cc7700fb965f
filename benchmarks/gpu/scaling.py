"""Part 4, where there is more than one GPU: images a second of one, two, four, ... devices."""

import csv
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.gpu import pictures
from benchmarks.gpu.cases import TINY
from benchmarks.gpu.part import ONE_DEVICE, REHEARSAL, Report

STEPS, WINDOW = (6, 2) if REHEARSAL else (300, 50)
RUN = (
    *("model=dcgan", "network=dcgan", *TINY),
    *("metrics=none", "callbacks=throughput", "logger=csv"),
    *(f"trainer.max_steps={STEPS}", f"trainer.log_every_n_steps={WINDOW}"),
    "trainer.accelerator=" + ("cpu" if REHEARSAL else "gpu"),
)


def main() -> None:
    """Train with one device, then with twice as many, as long as there are."""
    report = Report.begin("scaling")
    there = report.devices
    if there < 2:
        report.put(left_out=ONE_DEVICE)
        return
    data = pictures.settings(pictures.find(report.work))
    rows: list[dict[str, Any]] = []
    devices = 1
    while devices <= there and report.left > 5:
        rows.append({"devices": devices, **_measured([*RUN, *data], devices)})
        report.put(steps=STEPS, batch_of_a_device=64, rows=rows)
        devices *= 2


def _measured(settings: list[str], devices: int) -> dict[str, float]:
    """Images a second of all devices and the first one's memory, without the processes' start."""
    with tempfile.TemporaryDirectory() as folder:
        where = [f"trainer.devices={devices}", f"run_dir={folder}", f"latest={folder}/latest"]
        subprocess.run([sys.executable, "-m", "ganzoo.train", *settings, *where], check=True)
        with (Path(folder) / "metrics.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["resources/samples_per_second"]]
    warm = rows[1:]
    speeds = [float(row["resources/samples_per_second"]) for row in warm]
    return {
        "images_a_second": statistics.median(speeds),
        "least": min(speeds),
        "most": max(speeds),
        "peak_gib": float(warm[-1]["resources/peak_memory_gib"]),
    }


if __name__ == "__main__":
    main()
