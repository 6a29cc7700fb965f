"""Which checkpoints are evaluated."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.checkpoints.resuming import read_or_previous
from ganzoo.errors import InputError
from ganzoo.game.configuration import Configuration
from ganzoo.game.module import AdversarialModule
from ganzoo.sampling.evaluable import Evaluable

_LARGEST_STEP = 2**63


Loader = Callable[[Path], AdversarialModule]
"""From a checkpoint's file to its model, as :func:`ganzoo.load`."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that can be read, as a source of samples.

    Attributes:
        path: The file.
        step: Generator updates when it was saved.
        model: Name of the model's config.
        dataset: Name of the data set's config.
        shape: Shape of one sample.
        class_names: Names of the model's classes, or None.
        sha256: Hash of the file, in hexadecimal.
        weights: Hash of what the file holds of the model.
        identity: What changes when another file takes the path.
        loader: What loads it.
    """

    path: Path
    step: int
    model: str
    dataset: str
    shape: list[int]
    class_names: list[str] | None
    sha256: str
    weights: str
    identity: tuple[int, ...]
    loader: Loader

    @property
    def name(self) -> str:
        """The whole path."""
        return str(self.path.resolve())

    def load(self, device: torch.device) -> Evaluable:
        """Rebuild the model on a device.

        Raises:
            InputError: if that cannot be done, another file has taken the path, or the model makes
                nothing that could be compared with real samples.
        """
        model = self.loader(self.path)
        _check_unchanged(self.path, self.identity)
        if not isinstance(model, Evaluable):
            raise InputError(f"{self.name} is of a {type(model).__name__}, which makes no samples")
        return model.to(device)

    def protocol(self) -> dict[str, Any]:
        """Return path, hash, step and model."""
        return {
            "checkpoint": self.name,
            "sha256": self.sha256,
            "step": self.step,
            "model": self.model,
            "dataset": self.dataset,
        }


def find_checkpoints(places: Sequence[Path], loader: Loader) -> list[Checkpoint]:
    """Read what the checkpoints say of themselves, in the order of their steps.

    Files in the same folder that hold the same weights at the same step, as a run's last and best
    may, count once.

    Args:
        places: Checkpoints, folders of them, and runs' folders.
        loader: What is to load them.

    Raises:
        InputError: if there is none, one cannot be read, or they are of several data sets.
    """
    read = [_read(path, loader) for path in reversed(list_checkpoints(places))]
    distinct = {_same(checkpoint): checkpoint for checkpoint in read}
    found = sorted(distinct.values(), key=lambda checkpoint: (checkpoint.step, checkpoint.name))
    first = found[0]
    for other in found:
        if (other.dataset, other.shape) != (first.dataset, first.shape):
            raise InputError(
                f"{first.path} is of {first.dataset} {first.shape}, {other.path} of "
                f"{other.dataset} {other.shape}: evaluate them one after the other"
            )
    return found


def list_checkpoints(places: Sequence[Path]) -> list[Path]:
    """The files, each once: those named, and all in the folders named.

    Raises:
        InputError: if a folder has none.
    """
    paths: dict[Path, Path] = {}
    for place in places:
        inside = _inside(place) if place.is_dir() else [place]
        if not inside:
            raise InputError(
                f"there is no checkpoint (*.ckpt) in {place}; stored samples are given as fake=PATH"
            )
        paths |= {path.resolve(): path for path in inside}
    if not paths:
        raise InputError("the list of checkpoints is empty: write checkpoint=PATH")
    return list(paths.values())


def read_configuration(path: Path) -> Configuration:
    """How the model of a checkpoint was made, which nobody has judged yet.

    Raises:
        InputError: if it cannot be read or does not say.
    """
    path, saved = read_or_previous(path)
    return _configuration(path, saved)


def _inside(folder: Path) -> list[Path]:
    own = folder / "checkpoints"
    files = sorted((own if own.is_dir() else folder).glob("*.ckpt"))
    return [path for path in files if not path.name.startswith(".")]


def _read(named: Path, loader: Loader) -> Checkpoint:
    before = _identity(named)
    path, saved = read_or_previous(named)
    identity = before if path == named else _identity(path)  # the last one is damaged
    configuration = _configuration(path, saved)
    dataset = configuration["dataset"]
    checkpoint = Checkpoint(
        path=path,
        step=_step(path, saved),
        model=configuration["name"],
        dataset=dataset["name"],
        shape=_shape(path, dataset),
        class_names=dataset.get("class_names"),
        sha256=_hash(path),
        weights=_hash_weights(saved["state_dict"]),
        identity=identity,
        loader=loader,
    )
    _check_unchanged(path, identity)
    return checkpoint


def _step(path: Path, saved: Mapping[str, Any]) -> int:
    step = saved.get("global_step")
    if type(step) is not int or not 0 <= step < _LARGEST_STEP:
        raise InputError(f"{path} does not say at which step it was saved: refused")
    return step


def _shape(path: Path, dataset: Mapping[str, Any]) -> list[int]:
    shape = dataset.get("shape")
    if type(shape) is not list or not all(type(size) is int and size > 0 for size in shape):
        raise InputError(f"{path} does not say of which shape its samples are: refused")
    return shape


def _same(checkpoint: Checkpoint) -> tuple[Path, int, str]:
    """What is equal for files of the same weights."""
    return checkpoint.path.resolve().parent, checkpoint.step, checkpoint.weights


def _configuration(path: Path, saved: dict[str, Any]) -> Configuration:
    configuration: Configuration | None = saved["ganzoo"]["configuration"]
    if not configuration:
        raise InputError(f"{path} does not say how its model was made: it was not composed")
    return configuration


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _hash_weights(state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, values in state.items():
        digest.update(f"{name} {values.dtype} {list(values.shape)}".encode())
        digest.update(values.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _identity(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:  # reading it will say what is wrong
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size


def _check_unchanged(path: Path, identity: tuple[int, ...]) -> None:
    if _identity(path) != identity:
        raise InputError(
            f"{path} changed while it was read, perhaps its run goes on: evaluate a copy of it"
        )
