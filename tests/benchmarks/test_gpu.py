"""The command for a GPU, rehearsed on the CPU, and the page of its results."""

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu import cases, collect, forms, page, requirements, runner, training  # noqa: E402
from benchmarks.gpu.plan import Limits, Part, parts  # noqa: E402
from benchmarks.gpu.runner import Runner  # noqa: E402


def command(*words):
    return [sys.executable, "-m", "benchmarks.gpu", *map(str, words)]


@pytest.mark.slow
def test_a_rehearsal_goes_through_all_parts(tmp_path):
    """One test, as it takes more than a minute: each part has left numbers that can be right."""
    # It takes 80 seconds, but other tests may need the same processors.
    words = command("--rehearse", "--minutes", 30, "--out", tmp_path)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    logs = "\n".join(log.read_text()[-2000:] for log in tmp_path.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    found = json.loads((tmp_path / "results.json").read_text())
    assert {name: part["status"] for name, part in found["parts"].items()} == {
        part.name: "done" for part in parts(Limits(minutes=9, rehearsal=True))
    }
    assert found["versions"]["torch"] and found["commit"] and found["cores"] >= 1
    for name, part in found["parts"].items():
        CHECKS[name](part)
    assert str(tmp_path) not in json.dumps(found["parts"]), "files of results name no folder"
    assert (tmp_path / found["parts"]["training"]["picture"]).stat().st_size > 1000
    assert "Not run yet" not in page.sections([found])


def no_test_failed(part):
    assert not part["failed"]
    assert part["exit_code"] == 0
    assert part["tests"] - part["skipped"] > 10


def every_network_was_timed_in_both_ways(part):
    assert min(part["ceilings"].values()) > 0
    timed = [row for row in part["rows"] if "library_milliseconds" in row]
    assert {row["case"] for row in timed} == {case.name for case in cases.CASES}
    assert {row["setting"] for row in timed} == {"bf16-mixed"}
    for row in timed:
        assert row["hand_milliseconds"]["median"] > 0
        assert row["images_a_second"] > 0
        assert row["share_of_bf16"] > 0
        assert row["share_of_copy"] > 0
        assert row["peak_gigabytes"] is None  # a GPU's
    rest = [row for row in part["rows"] if row not in timed]
    assert [row["left_out"] for row in rest] == ["CUDA graphs are a GPU's"] * len(cases.CASES)


def every_form_was_timed(part):
    forms = {(row["operation"], row["form"]) for row in part["rows"]}
    assert len({operation for operation, _ in forms}) == 4
    assert len(part["rows"]) == 4 * len(forms)
    assert all(row["milliseconds"] > 0 for row in part["rows"])


def both_ways_have_the_same_losses(part):
    assert part["seeds"] == 2
    assert part["largest_distance"] < 1e-4
    curves = part["curves"]["library"]
    assert len(curves) == 2
    assert curves[0] != curves[1]
    assert all(0 < loss < 10 for curve in curves for loss in curve)


def two_processes_were_timed_beside_one(part):
    assert [row["devices"] for row in part["rows"]] == [1, 2]
    assert all(0 < row["least"] <= row["images_a_second"] <= row["most"] for row in part["rows"])


def two_processes_trained_as_one(part):
    assert part["devices"] == 2
    assert part["largest_change"] > 1e-3
    assert part["largest_difference"] < 1e-3 * part["largest_change"]


def the_training_has_a_curve_and_a_floor(part):
    assert [row["step"] for row in part["curve"]] == [2, 4]
    measured = {f"metrics/{name}@16" for name in ("fid", "kid", "precision", "recall")}
    assert measured <= set(part["last"])
    assert measured <= set(part["floor"]["values"])
    assert part["floor"]["counts"] == {"generated": 16, "real": 16}
    # Noise is nearer to other noise than what a few iterations make of it.
    assert part["floor"]["values"]["metrics/fid@16"] < part["last"]["metrics/fid@16"]


CHECKS = {
    "tests": no_test_failed,
    "throughput": every_network_was_timed_in_both_ways,
    "forms": every_form_was_timed,
    "agreement": both_ways_have_the_same_losses,
    "scaling": two_processes_were_timed_beside_one,
    "equivalence": two_processes_trained_as_one,
    "training": the_training_has_a_curve_and_a_floor,
}


def test_everything_fits_into_nine_minutes():
    limits = Limits(minutes=9, rehearsal=False)
    fixed = [part.seconds for part in parts(limits) if part.seconds is not None]
    assert sum(fixed) + 100 < limits.seconds < 540


def test_a_part_that_fails_or_takes_too_long_leaves_the_others(tmp_path, monkeypatch):
    """A part that is no module fails at once; results are written all the same."""
    run = Runner(out=tmp_path, carried=None, limits=Limits(minutes=1, rehearsal=True))
    slow = Part("throughput", 1.0)  # starting takes longer
    assert run.run([Part("nothing", 60), slow, Part("plan", None)]) == 1
    found = json.loads((tmp_path / "results.json").read_text())["parts"]
    statuses = ["failed with exit code 1", "out of time", "done"]
    assert [part["status"] for part in found.values()] == statuses


def test_what_a_part_has_started_ends_with_it(tmp_path):
    child = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); "
    with (tmp_path / "log").open("w") as log:
        hangs = [sys.executable, "-c", child + "import time; time.sleep(60)"]
        assert runner.outcome(hangs, 1.0, dict(os.environ), log) == "out of time"
        leaves = [sys.executable, "-c", child]
        assert runner.outcome(leaves, 10.0, dict(os.environ), log) == "done"
    started = (tmp_path / "log").read_text().split()
    assert len(started) == 2
    until = time.monotonic() + 10  # a killed process is there for a moment more
    while any(map(is_running, started)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_running, started))


def is_running(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_fastest_right_setting_is_trained_with(tmp_path):
    def row(setting, milliseconds):
        case = training.CASES[0].name
        return {"case": case, "setting": setting, "library_milliseconds": {"median": milliseconds}}

    failed = {"case": training.CASES[0].name, "setting": "float32", "failed": "why"}
    rows = [failed, row("TF32", 30.0), row("bf16-mixed", 20.0), row("bf16-mixed, compiled", 10.0)]
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"parts": {"throughput": {"rows": rows}}}))
    assert training.fastest(file) == ("bf16-mixed", 20.0)
    assert training.fastest(tmp_path / "none")[0] == "TF32"


def run_on_a_gpu():
    """What ``results.json`` of a GPU would hold, as far as the page looks at it."""
    spread = {"median": 2.0, "least": 1.0, "most": 3.0}
    row = {"case": "SNGAN", "hand_milliseconds": spread, "library_milliseconds": spread}
    row |= {"times_as_fast_as_by_hand": spread, "share_of_bf16": 0.25}
    row |= {"peak_gigabytes": 1.234, "hand_peak_gigabytes": 1.0}
    rows = [
        row | {"setting": "TF32", "images_a_second": 1000.0},
        row | {"setting": "bf16-mixed", "images_a_second": 2000.0},
        {"case": "SNGAN", "setting": "compiled", "failed": "RuntimeError: a | b"},
    ]
    limits = {"bf16_tflops": 700.0, "copy_gigabytes_a_second": 2500.0}
    throughput = {"ceilings": limits, "rows": rows, "left_out": "from here on: time was up"}
    training = {"recipe": "sngan_cifar10", "setting": "TF32", "steps": 5000, "command": "c"}
    training |= {"share_of_paper": 0.1, "real_images_seen": 1600000, "seconds_of_training": 99.0}
    training |= {"curve": [{"step": 5000, "metrics/fid@5000": 30.5}], "last": {}}
    training |= {"floor": {"left_out": "time was up"}}
    return {"parts": {"throughput": throughput, "training": training}}


def test_the_page_shows_speed_memory_and_what_could_not_be_had():
    found = [run_on_a_gpu()]
    table = page.throughput(found)
    row = "2,000 | 2.00 | 2.00 | 2.00 (1.00 to 3.00) | 25.0% |  | 1.23 | 1.00 |"
    assert f"| SNGAN | bf16-mixed | {row}" in table.splitlines()
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1, "every row has as many cells"
    assert "| SNGAN | compiled | RuntimeError: a / b |" in table
    assert "Left out from here on: time was up." in table
    assert page.headline(found)[2].startswith("2,000 (bf16-mixed; 2.00 times")
    assert page.headline([]) == ["images a second on a GPU", "`make gpu`", "not run yet"]


def test_the_page_shows_the_floor_below_the_curve_or_says_why_not():
    found = run_on_a_gpu()
    assert "Without the floor: time was up." in page.training([found])
    counts = {"generated": 5000, "real": 5000}
    floor = {"values": {"metrics/fid@5000": 4.25}, "counts": counts}
    found["parts"]["training"]["floor"] = floor
    lines = page.training([found]).splitlines()
    assert lines[lines.index("| 5,000 | 30.5 |") + 1] == "| floor | 4.25 |"


def test_the_page_tells_how_far_several_devices_are_from_one():
    found = {"devices": 2, "steps": 50, "batch_of_a_device": 64}
    found |= {"largest_change": 0.5, "largest_difference": 2e-6}
    text = page.scaling([{"parts": {"equivalence": found}}])
    assert "50 iterations of 2 devices with 64 images each" in text
    assert "at most 5.0e-01, and their weights differ by at most 2.0e-06." in text
    left_out = {"scaling": {"left_out": "there is one device"}}
    assert page.scaling([{"parts": left_out}]) == "Machine 1: there is one device.\n"


def test_forms_of_an_operation_give_the_same_numbers(monkeypatch):
    small = {"BATCH": 2, "WIDTH": 16, "GROUPS": 4, "SIZES": (8,), "MERGED": (2, 4)}
    for name, value in small.items():
        monkeypatch.setattr(forms, name, value)
    firsts = {}
    for operation, _, run, shapes in forms.operations():
        torch.manual_seed(0)
        found = run(*(torch.randn(shape) / 8 for shape in shapes))
        expected = firsts.setdefault(operation, found)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def wheel(folder, name, *lines):
    """A wheel with nothing but its metadata."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(lines))
    return path


def test_what_neither_the_machine_nor_a_wheel_has_is_named(tmp_path):
    one = wheel(
        tmp_path,
        "one",
        *("Requires-Dist: two>=1", "Requires-Dist: three", "Requires-Dist: torch<2"),
        *('Requires-Dist: four; extra == "more"', 'Requires-Dist: five; python_version < "3.12"'),
    )
    found = requirements.lacking([one, wheel(tmp_path, "two")])
    assert {"three", "torch<2"} <= set(found)
    own = {line for line in found if line not in ("three", "torch<2")}
    carried = [word.partition("==")[0] for word in collect.WHEELS]
    assert {re.match(r"[\w-]+", line)[0] for line in own} <= {name.lower() for name in carried}


def test_what_is_carried_are_the_versions_of_the_constraints():
    pinned = (ROOT / "constraints.txt").read_text()
    for wheel in collect.WHEELS:
        name = wheel.partition("==")[0]
        if f"{name}==" in pinned:
            assert wheel in pinned
