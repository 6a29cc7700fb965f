"""Part 3: SNGAN's recipe on CIFAR-10 for the time that is left, with its curve and its pictures."""

import csv
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.gpu import pictures
from benchmarks.gpu.cases import CASES, TINY
from benchmarks.gpu.part import REHEARSAL, Report

PAPER_STEPS = 50_000
"""Generator updates of the paper."""
MEASUREMENTS = 2 if REHEARSAL else 6
SAMPLES = 16 if REHEARSAL else 5000
"""Generated and real pictures of each measurement, and of the floor."""
FEATURES = "random" if REHEARSAL else "efficientnet_lite0"
MEASURES = (
    *(
        f"metrics.features={FEATURES}",
        "metrics=[fid,kid,prdc]",
        f"metrics.evaluator.real_samples={SAMPLES}",
    ),
    *(["metrics.kid.subset_size=8"] if REHEARSAL else []),
)
# Shares of the time: what iterations are planned for, and after what they are ended where they take
# longer. The rest is reading pictures, measuring and the floor.
SHARE, END = 0.6, 0.75
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
    folder = report.work / "training"
    report.put(recipe="sngan_cifar10", setting=setting, planned_steps=steps)
    root = pictures.find(report.work)
    longest = time.strftime(
        "trainer.max_time=00:%H:%M:%S", time.gmtime(max(10.0, END * report.left))
    )
    command = ["ganzoo.train", *_of_run(root, steps, folder), longest, *SETTINGS[setting]]
    report.put(command=_shown(command, root))
    try:
        _call(command, report.left - 5)
    finally:
        report.put(**_found(folder))
        _keep_pictures(folder, report)
    report.put(**_summary(folder))
    report.put(floor=_floor(root, report))


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


def _call(words: list[str], seconds: float) -> None:
    subprocess.run([sys.executable, "-m", *words], timeout=max(30.0, seconds), check=True)


def _shown(words: list[str], root: Path | None) -> str:
    """The command without the folders of this machine."""
    kept = [word for word in words if not word.startswith(("run_dir=", "latest="))]
    return " ".join(["python -m", *kept]).replace(str(root), "PICTURES")


def _of_run(root: Path | None, steps: int, folder: Path) -> list[str]:
    every = max(1, steps // MEASUREMENTS)
    return [
        *("experiment=sngan_cifar10", *pictures.settings(root), *TINY, *MEASURES),
        f"metrics.evaluator.samples={SAMPLES}",
        f"callbacks.evaluation.every_n_steps={every}",
        f"callbacks.samples.every_n_steps={every}",
        f"trainer.max_steps={steps}",
        "trainer.accelerator=" + ("cpu" if REHEARSAL else "gpu"),
        *("trainer.devices=1", f"run_dir={folder}", f"latest={folder.parent}/latest"),
    ]


def _found(folder: Path) -> dict[str, Any]:
    """The curve so far, of a run that may have been ended."""
    if not (folder / "metrics.csv").exists():
        return {}
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    steps = max(int(row["step"]) for row in rows)
    curve = [
        {name: float(value) for name, value in row.items() if value and _measured(name)}
        for row in rows
    ]
    case = CASES[0]
    return {
        "steps": steps,
        "share_of_paper": steps / PAPER_STEPS,
        "real_images_seen": steps * case.batch * case.steps,
        "curve": [row for row in curve if len(row) > 1],
    }


def _summary(folder: Path) -> dict[str, Any]:
    """What a run that came to its end says of itself."""
    found = json.loads((folder / "summary.json").read_text())
    last = {name: value for name, value in found["values"].items() if _measured(name)}
    return {"seconds_of_training": found["seconds"], "last": last}


def _measured(name: str) -> bool:
    return name == "step" or name.startswith("metrics/")


def _keep_pictures(folder: Path, report: Report) -> None:
    sheets = sorted((folder / "samples").glob("*.png"))
    if sheets:
        shutil.copy(sheets[-1], report.out / "samples.png")
        report.put(picture="samples.png")


def _floor(root: Path | None, report: Report) -> dict[str, Any]:
    """The same metrics of as many held-out pictures against as many training pictures."""
    if root is None:
        return {"left_out": "no pictures were carried along"}
    if report.left < 15:
        return {"left_out": "time was up"}
    folder = report.work / "floor"
    options = [f"real={root}/train", f"fake={root}/test", f"output={folder}", *MEASURES]
    try:
        _call(["ganzoo.evaluate", *options, f"samples={SAMPLES}"], report.left - 2)
    except subprocess.TimeoutExpired:
        return {"left_out": "time was up"}
    found = json.loads((folder / "metrics.json").read_text())
    (source,) = found["sources"]
    values = {f"metrics/{name}": value["mean"] for name, value in source["values"].items()}
    return {"values": values, "counts": found["protocol"]["counts"]}


if __name__ == "__main__":
    main()
