"""Run the parts one after another, each under its limit, and keep what each of them found."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu import pictures
from benchmarks.gpu.carried import install, unpack
from benchmarks.gpu.plan import Limits, Part
from benchmarks.machine import machine

ROOT = Path(__file__).parents[2]


@dataclass
class Runner:
    """Runs parts in processes of their own.

    Attributes:
        out: Folder of ``results.json``, pictures and the parts' output, and of nothing else.
        carried: Folder of wheels and packed pictures, or None where all is installed.
        limits: Of everything together.
    """

    out: Path
    carried: Path | None
    limits: Limits
    results: dict[str, Any] = field(default_factory=dict)

    def run(self, parts: list[Part]) -> int:
        """Run the parts; 0 where all ended well."""
        self.out = self.out.absolute()
        self.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="ganzoo-", ignore_cleanup_errors=True) as work:
            self._run_all(parts, Path(work))
        return int(any(part["status"] != "done" for part in self.results["parts"].values()))

    def _run_all(self, parts: list[Part], work: Path) -> None:
        started = time.monotonic()
        environment = self._environment(work)
        self.results = {
            "command": " ".join(["python -m benchmarks.gpu", *sys.argv[1:]]),
            "rehearsal": self.limits.rehearsal,
            **machine(ROOT, environment),
            "parts": {},
        }
        self._write()
        for part in parts:
            left = self.limits.seconds - (time.monotonic() - started)
            self._run(part, min(left, part.seconds or left), work, environment)
        self.results["seconds"] = round(time.monotonic() - started, 1)
        self._write()

    def _environment(self, work: Path) -> dict[str, str]:
        paths = [str(ROOT), str(ROOT / "src")]
        found = {**os.environ, "GANZOO_CACHE": str(work / "cache")}
        if self.carried is not None:
            paths.append(str(install(self.carried, work / "site")))
            found[pictures.ROOT] = str(unpack(self.carried, work / "pictures"))
        if self.limits.rehearsal:
            found |= {"GANZOO_REHEARSE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        before = os.environ.get("PYTHONPATH")
        found["PYTHONPATH"] = os.pathsep.join([*paths, *([before] if before else [])])
        return found

    def _run(self, part: Part, seconds: float, work: Path, environment: dict[str, str]) -> None:
        began = time.monotonic()
        file = work / f"{part.name}.json"
        command = [sys.executable, "-m", f"benchmarks.gpu.{part.name}"]
        command += ["--out", str(self.out), "--work", str(work), "--seconds", f"{seconds:.0f}"]
        print(f"{part.name}: up to {seconds:.0f} s", flush=True)
        with (self.out / f"{part.name}.log").open("w") as log:
            status = outcome(command, max(seconds, 1.0), environment, log)
        found = json.loads(file.read_text()) if file.exists() else {}
        spent = round(time.monotonic() - began, 1)
        self.results["parts"][part.name] = {"status": status, "seconds": spent, **found}
        print(f"{part.name}: {status} after {spent} s", flush=True)
        self._write()

    def _write(self) -> None:
        text = json.dumps(self.results, indent=1)
        (self.out / "results.json").write_text(text + "\n")


def outcome(command: list[str], seconds: float, environment: dict[str, str], log: Any) -> str:
    """How a part ended; the processes that it has started end with it."""
    part = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        code = part.wait(seconds)
    except subprocess.TimeoutExpired:
        return "out of time"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGKILL)
        part.wait()
    return "done" if code == 0 else f"failed with exit code {code}"
