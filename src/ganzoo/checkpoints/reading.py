"""Read a checkpoint file and refuse what is not one of ours."""

import pickle
import re
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from ganzoo import __version__
from ganzoo.checkpoints.trust import LONGEST_TEXT, is_text
from ganzoo.checkpoints.verification import DamagedCheckpoint, verify
from ganzoo.errors import InputError


def read(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU with ``weights_only=True``.

    Raises:
        DamagedCheckpoint: if the file cannot be read whole.
        InputError: if the file is missing, holds anything but tensors and plain values, was not
            written by ganzoo, or was written by an incompatible version.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the checkpoint in it")
    if not path.is_file():
        raise InputError(f"there is no checkpoint at {path}")
    try:
        with path.open("rb") as file:
            verify(file, path)
            checkpoint = _load(file, path)
    except OSError as error:
        raise DamagedCheckpoint(f"{path} cannot be read: {error.strerror}") from error
    _check_origin(path, checkpoint)
    return checkpoint  # type: ignore[no-any-return]


def _load(file: BinaryIO, path: Path) -> Any:
    """Let torch read the file that was verified, and no other that took its name since."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about formats that are refused anyway
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{path} holds more than tensors and plain values: refused") from error
    except OSError:
        raise
    except Exception as error:  # a crafted file can make the unpickler raise anything
        if isinstance(error, RuntimeError) and "PytorchStreamReader" in str(error):
            raise DamagedCheckpoint(f"{path} is damaged: use another one") from error
        raise InputError(
            f"{path} is no checkpoint that torch can read ({type(error).__name__})"
        ) from error


def _check_origin(path: Path, checkpoint: Any) -> None:
    description = checkpoint.get("ganzoo") if type(checkpoint) is dict else None
    if type(description) is not dict or "state_dict" not in checkpoint:
        raise InputError(f"{path} was not written by ganzoo")
    _check_version(path, description.get("version"))
    if "configuration" not in description or not _is_configuration(description["configuration"]):
        raise InputError(f"{path} does not say as ganzoo does how its model was made: refused")
    if not _is_state(checkpoint["state_dict"]):
        raise InputError(f"{path} has weights that are not plain tensors with names: refused")


def _check_version(path: Path, written_by: Any) -> None:
    if type(written_by) is not str or not re.fullmatch(r"[0-9A-Za-z.+-]{1,40}", written_by):
        raise InputError(f"{path} does not say which version of ganzoo wrote it")
    if written_by.split(".")[:2] != __version__.split(".")[:2]:
        raise InputError(
            f"{path} was written by ganzoo {written_by}, this is {__version__}: "
            f"install lightning-ganzoo=={written_by} to use it"
        )


def _is_configuration(configuration: Any) -> bool:
    """Whether this is what ``game.configuration`` describes, or None: only then is it ever used."""
    if configuration is None:
        return True
    if type(configuration) is not dict or type(configuration.get("dataset")) is not dict:
        return False
    names, model = (
        (configuration.get("name"), configuration["dataset"].get("name")),
        configuration.get("model"),
    )
    return (
        all(map(_is_choice, names))
        and type(model) is dict
        and all(map(_is_entry, model.items()))
        and _are_class_names(configuration["dataset"].get("class_names"))
    )


def _are_class_names(names: Any) -> bool:
    return names is None or (type(names) is list and all(map(is_text, names)))


def _is_choice(name: Any) -> bool:
    """Whether this can be the name of a config: not that of a file somewhere else."""
    return is_text(name) and not name.startswith("/") and "\\" not in name and ".." not in name


def _is_entry(entry: tuple[Any, Any]) -> bool:
    name, value = entry
    own = isinstance(value, dict) and set(value) == {"object"}  # an object that the user gave
    return is_text(name) and (not own or is_text(value["object"]))


def _is_state(state: Any) -> bool:
    if type(state) not in (dict, OrderedDict):
        return False
    attributes = dict(getattr(state, "__dict__", {}))  # a pickle can set any
    versions = attributes.pop("_metadata", {})
    return (
        not attributes
        and _is_versions(versions)
        and all(is_text(name, LONGEST_TEXT) and _is_weight(state[name]) for name in state)
    )


def _is_versions(versions: Any) -> bool:
    """Whether this is what torch notes beside a state dict: numbers, by module and by part."""
    if type(versions) not in (dict, OrderedDict) or getattr(versions, "__dict__", {}):
        return False
    modules = list(versions.values())
    if not all(type(of_module) is dict for of_module in modules):
        return False
    notes = [note for of_module in modules for note in of_module.values()]
    notes += [part for note in notes if type(note) is dict for part in note.values()]
    return all(type(note) in (int, dict) for note in notes)


def _is_weight(value: Any) -> bool:
    dense = type(value) is Tensor and value.layout is torch.strided and not value.is_quantized
    return dense and value.device.type == "cpu"
