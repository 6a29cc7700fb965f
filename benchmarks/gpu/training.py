"""Part 3: SNGAN's recipe on CIFAR-10 for the time that is left, with its curve and its pictures."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.gpu.cases import CASES
from benchmarks.gpu.part import REHEARSAL, Report

PAPER_STEPS = 50_000
"""Generator updates of the paper."""
MEASUREMENTS = 2 if REHEARSAL else 6
SAMPLES = 16 if REHEARSAL else 5000
# Shares of the time for iterations; the rest is reading pictures, measuring and the floor.
SHARE = 0.6
UNKNOWN_MILLISECONDS = 60.0
"""Of an iteration, where throughput was not measured."""
SETTINGS = {
    "float32": ("trainer.precision=32-true", "float32_matmul_precision=highest"),
    "TF32": ("trainer.precision=32-true", "float32_matmul_precision=high"),
    "bf16-mixed": ("trainer.precision=bf16-mixed", "float32_matmul_precision=high"),
}


def main() -> None:
    """Train, then measure held-out pictures against training pictures as the floor."""
    report = Report.begin("training")
    setting, milliseconds = fastest(report.out / "results.json")
    steps = 4 if REHEARSAL else max(100, int(1e3 * SHARE * report.left / milliseconds))
    folder = report.out / ".training"
    shutil.rmtree(folder, ignore_errors=True)
    report.put(recipe="sngan_cifar10", setting=setting, planned_steps=steps)
    command = [*_command(steps, folder), *SETTINGS[setting]]
    report.put(command=" ".join(["python -m ganzoo.train", *command[3:]]))
    subprocess.run(command, timeout=max(30.0, report.left - 15), check=True)
    report.put(**_found(folder, steps))
    _keep_pictures(folder, report)
    if report.left > 15 and not REHEARSAL:  # features of 50,000 pictures take a CPU an hour
        report.put(floor=_floor(report.out))


def fastest(results: Path) -> tuple[str, float]:
    """The setting of the least milliseconds that the library's SNGAN was measured with."""
    if not results.exists():
        return "TF32", UNKNOWN_MILLISECONDS
    rows = json.loads(results.read_text())["parts"].get("throughput", {}).get("rows", [])
    times = {
        row["setting"]: row["library_milliseconds"]["median"]
        for row in rows
        if row["case"] == CASES[0].name and row["setting"] in SETTINGS and "failed" not in row
    }
    if not times:
        return "TF32", UNKNOWN_MILLISECONDS
    best = min(times, key=lambda name: times[name])
    return best, times[best]


def _pictures() -> list[str]:
    """Settings that read the carried pictures, or tiny ones in a rehearsal without them."""
    root = os.environ.get("GANZOO_PICTURES")
    if root is None:
        return ["dataset=digits", "dataset.image_size=32", "dataset.channels=3"]
    return [
        "dataset=image_folder",
        f"dataset.root={root}/train",
        "dataset.image_size=32",
        "dataset.num_classes=null",
    ]


def _command(steps: int, folder: Path) -> list[str]:
    tiny = ["network.generator.width=8", "network.discriminator.width=8"] if REHEARSAL else []
    features = "random" if REHEARSAL else "efficientnet_lite0"
    metrics = "prdc" if REHEARSAL else "fid,kid,prdc"
    return [
        *(sys.executable, "-m", "ganzoo.train", "experiment=sngan_cifar10", *_pictures(), *tiny),
        *(f"features={features}", f"metrics=[{metrics}]", f"evaluator.samples={SAMPLES}"),
        f"callbacks.evaluation.every_n_steps={max(1, steps // MEASUREMENTS)}",
        f"callbacks.samples.every_n_steps={max(1, steps // MEASUREMENTS)}",
        f"trainer.max_steps={steps}",
        "trainer.accelerator=" + ("cpu" if REHEARSAL else "gpu"),
        *("trainer.devices=1", f"run_dir={folder}", f"latest={folder.parent}/.latest"),
    ]


def _found(folder: Path, steps: int) -> dict[str, Any]:
    summary = json.loads((folder / "summary.json").read_text())
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    curve = [
        {name: float(value) for name, value in row.items() if value and _measured(name)}
        for row in rows
    ]
    case = CASES[0]
    return {
        "steps": steps,
        "share_of_paper": steps / PAPER_STEPS,
        "real_images_seen": steps * case.batch * case.steps,
        "seconds_of_training": summary["seconds"],
        "curve": [row for row in curve if len(row) > 1],
        "last": {n: v for n, v in summary["values"].items() if n.startswith("metrics/")},
    }


def _measured(name: str) -> bool:
    return name == "step" or name.startswith("metrics/")


def _keep_pictures(folder: Path, report: Report) -> None:
    pictures = sorted((folder / "samples").glob("*.png"))
    if pictures:
        shutil.copy(pictures[-1], report.out / "samples.png")
        report.put(picture="samples.png")


def _floor(out: Path) -> dict[str, Any] | None:
    """The same metrics of held-out pictures against training pictures."""
    root = os.environ.get("GANZOO_PICTURES")
    if root is None:
        return None
    folder = out / ".floor"
    options = [f"real={root}/train", f"fake={root}/test", f"output={folder}"]
    options += ["features=efficientnet_lite0", "metrics=[fid,kid,prdc]", f"samples={SAMPLES}"]
    subprocess.run([sys.executable, "-m", "ganzoo.evaluate", *options], check=True)
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


if __name__ == "__main__":
    main()
