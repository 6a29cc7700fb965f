"""Part 1: the tests marked ``gpu``, and which of them failed."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.gpu.part import REHEARSAL, Report

ROOT = Path(__file__).parents[2]
# In a rehearsal one model stands for all, and two penalties.
ONE = "bf16-mixed-gan] or algorithms[gan] or test_on_the_device or latents or r1"
CHOSEN = ["-k", ONE] if REHEARSAL else []


def main() -> None:
    """Run them in several processes, one GPU for all, and read what pytest wrote."""
    report = Report.begin("tests")
    written = report.out / "tests.xml"
    workers = 0 if REHEARSAL else min(8, os.cpu_count() or 1)
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-n", str(workers), "-p"]
    command += ["no:cacheprovider", f"--junitxml={written}", *CHOSEN, *marked()]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    report.put(exit_code=code, **_read(written))
    raise SystemExit(code)


def marked() -> list[str]:
    """The files with such tests: the others may import what is not on this machine."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file) for file in files if "mark.gpu" in file.read_text()]


def _read(written: Path) -> dict[str, object]:
    if not written.exists():
        return {}
    cases = list(ElementTree.parse(written).getroot().iter("testcase"))
    written.unlink()
    failed = {
        f"{case.get('classname')}::{case.get('name')}": (bad.get("message") or "")[:300]
        for case in cases
        for bad in [*case.findall("failure"), *case.findall("error")]
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    return {"tests": len(cases), "skipped": skipped, "failed": failed}


if __name__ == "__main__":
    main()
