"""The command for a GPU, rehearsed on the CPU, and the page of its results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.gpu import collect, training  # noqa: E402
from benchmarks.gpu.plan import Limits, Part, parts  # noqa: E402
from benchmarks.gpu.runner import Runner  # noqa: E402


def command(*words):
    return [sys.executable, "-m", "benchmarks.gpu", *map(str, words)]


@pytest.mark.nightly
def test_a_rehearsal_of_all_parts_ends_well(tmp_path):
    words = command("--rehearse", "--minutes", 12, "--out", tmp_path)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    logs = "\n".join(log.read_text()[-2000:] for log in tmp_path.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    found = json.loads((tmp_path / "results.json").read_text())
    assert {name: part["status"] for name, part in found["parts"].items()} == {
        part.name: "done" for part in parts(Limits(minutes=9, rehearsal=True))
    }
    assert not found["parts"]["tests"]["failed"]
    assert found["parts"]["tests"]["tests"] > 10
    assert [row for row in found["parts"]["throughput"]["rows"] if "failed" not in row]
    assert found["parts"]["agreement"]["windows_within_spread"] >= 0.5
    assert len(found["parts"]["training"]["curve"]) >= 2
    assert "Not run yet" not in results.page([tmp_path / "results.json"])


def test_everything_fits_into_nine_minutes():
    limits = Limits(minutes=9, rehearsal=False)
    fixed = [part.seconds for part in parts(limits) if part.seconds is not None]
    assert sum(fixed) + 100 < limits.seconds < 540


def test_a_part_that_fails_or_takes_too_long_leaves_the_others(tmp_path, monkeypatch):
    """Parts that are no modules fail at once; results are written all the same."""
    runner = Runner(out=tmp_path, carried=None, limits=Limits(minutes=1, rehearsal=True))
    (tmp_path / "second.json").write_text('{"stale": 1}')
    assert runner.run([Part("first", 60), Part("second", None)]) == 1
    found = json.loads((tmp_path / "results.json").read_text())["parts"]
    assert [part["status"] for part in found.values()] == ["failed with exit code 1"] * 2
    assert "stale" not in found["second"]


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


def test_the_page_is_that_of_the_files():
    files = sorted(results.FILES.glob("*.json"))
    assert results.PAGE.read_text() == results.page(files), "run python -m benchmarks.results"


def test_what_is_carried_are_the_versions_of_the_constraints():
    pinned = (ROOT / "constraints.txt").read_text()
    for wheel in collect.WHEELS:
        name = wheel.partition("==")[0]
        if f"{name}==" in pinned:
            assert wheel in pinned
