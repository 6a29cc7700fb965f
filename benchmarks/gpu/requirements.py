"""What the machine with a GPU has, and what wheels lack beside it."""

import zipfile
from collections.abc import Iterable
from email.parser import Parser
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

PYTHON = "3.12"
THERE = {
    "torch": "2.11.0",
    "torchvision": "0.26.0",
    "lightning": "2.6.6",
    "torchmetrics": "1.9.0",
    **dict.fromkeys(("matplotlib", "numpy", "packaging", "pillow", "pyyaml", "rich")),
    **dict.fromkeys(("scikit-learn", "scipy", "pytest", "pytest-xdist", "hypothesis")),
}
"""Packages of a machine for deep learning, with their versions where they are agreed."""
NOT_NEEDED = ("wandb",)
"""Imported by a logger that nothing here chooses; with what it needs itself it is over 20 MB."""
_ENVIRONMENT = {
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.3",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "extra": "",
}


def lacking(wheels: Iterable[Path]) -> list[str]:
    """Requirements of the library and of wheels that neither the machine nor a wheel meets."""
    files = list(wheels)
    found: dict[str, str | None] = {**THERE}
    for file in files:
        name, version, *_ = parse_wheel_filename(file.name)
        found[name] = str(version)
    asked = [*(requires("lightning-ganzoo") or ()), *(line for f in files for line in _asked_by(f))]
    return sorted({line for line in asked if not _is_met(Requirement(line), found)})


def _asked_by(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    return metadata.get_all("Requires-Dist") or []


def _is_met(asked: Requirement, found: dict[str, str | None]) -> bool:
    name = canonicalize_name(asked.name)
    if name in NOT_NEEDED or (asked.marker and not asked.marker.evaluate(_ENVIRONMENT)):
        return True
    version = found.get(name, "")
    return version is None or (version != "" and asked.specifier.contains(version))
