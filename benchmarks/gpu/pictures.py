"""The pictures that are learnt from: those that were carried along, or noise in a rehearsal."""

import os
from pathlib import Path

from PIL import Image

from benchmarks.gpu.part import REHEARSAL

ROOT = "GANZOO_PICTURES"
"""The environment's name of the folder that the carried pictures were unpacked into."""
NOISE = 160
"""Of each kind: enough for a batch on each of two devices."""


def find(work: Path) -> Path | None:
    """A folder with the folders ``train`` and ``test``, or None where nothing was carried."""
    if ROOT in os.environ:
        return Path(os.environ[ROOT])
    return _noise(work / "pictures") if REHEARSAL else None


def settings(root: Path | None) -> list[str]:
    """Settings of a run that learns from them; torchvision's CIFAR-10 where there are none."""
    if root is None:
        return ["dataset=cifar10"]
    carried = [f"dataset.root={root}/train", "dataset.image_size=32", "dataset.num_classes=null"]
    return ["dataset=image_folder", *carried]


def _noise(folder: Path) -> Path:
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True, exist_ok=True)
        for number in range(NOISE):
            picture = Image.effect_noise((32, 32), 64).convert("RGB")
            picture.save(folder / split / f"{number}.png")
    return folder
