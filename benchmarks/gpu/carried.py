"""Use the folder that was carried to a machine without a package index."""

import subprocess
import sys
import tarfile
from pathlib import Path


def install(folder: Path, target: Path) -> Path:
    """Install the wheels of a folder into a folder of modules, without an index."""
    wheels = sorted(map(str, folder.absolute().glob("*.whl")))
    if not wheels:
        raise SystemExit(f"there are no wheels in {folder}: run --collect first")
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--upgrade"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *wheels]
    subprocess.run(command, check=True)
    return target


def unpack(folder: Path, target: Path) -> Path:
    """Unpack the pictures of a folder once."""
    if not target.exists():
        for packed in folder.glob("*.tar.xz"):
            with tarfile.open(packed) as archive:
                archive.extractall(target, filter="data")
    return target
