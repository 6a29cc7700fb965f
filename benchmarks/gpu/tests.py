"""Part 1: the tests marked ``gpu``, and which of them failed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.gpu.part import REHEARSAL, Report

ROOT = Path(__file__).parents[2]
# In a rehearsal one model stands for all, and two penalties.
ONE = "on_a_gpu[gan] or algorithms[gan] or test_on_the_device or latents or r1"
CHOSEN = ["-k", ONE] if REHEARSAL else []
TO_END = 20.0
"""Seconds in which pytest ends its workers and writes down what they have found."""


def main() -> None:
    """Run them in several processes, one GPU for all, and read what pytest wrote."""
    report = Report.begin("tests")
    written = report.work / "tests.xml"
    workers = 0 if REHEARSAL else min(14, os.cpu_count() or 1)
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-n", str(workers), "-p"]
    command += ["no:cacheprovider", f"--junitxml={written}", *CHOSEN, *marked()]
    pytest = subprocess.Popen(command, cwd=ROOT)
    try:
        code = pytest.wait(report.left - TO_END)
    except subprocess.TimeoutExpired:
        report.put(left_out="the tests that had not ended when time was up")
        pytest.send_signal(signal.SIGINT)
        code = pytest.wait()
    report.put(exit_code=code, **_read(written))
    raise SystemExit(code)


def marked() -> list[str]:
    """The files with such tests, ``tests/gpu`` first: others may import what is not there."""
    files = sorted(
        (ROOT / "tests").rglob("test_*.py"), key=lambda file: (file.parent.name != "gpu", file)
    )
    return [str(file) for file in files if "mark.gpu" in file.read_text()]


def _read(written: Path) -> dict[str, object]:
    if not written.exists():
        return {}
    cases = list(ElementTree.parse(written).getroot().iter("testcase"))
    failed = {
        f"{case.get('classname')}::{case.get('name')}": (bad.get("message") or "")[:300]
        for case in cases
        for bad in [*case.findall("failure"), *case.findall("error")]
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {"tests": len(cases), "skipped": skipped, "failed": failed}


if __name__ == "__main__":
    main()
