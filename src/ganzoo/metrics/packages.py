"""Packages that only some features need, and files of weights."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from ganzoo.errors import InputError


def import_package(module: str, *, extra: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: The module's full name.
        extra: The extra of this library that installs the package.

    Raises:
        InputError: if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"the features {extra} need the package {module.partition('.')[0]} ({error}): "
            f"pip install 'lightning-ganzoo[{extra}]'"
        ) from None


def read_weights(path: str | Path) -> dict[str, Any]:
    """Read a state dict of tensors; a file that would run code is refused.

    Raises:
        InputError: if there is no such file, or it holds no state dict.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file of weights {path}: check the features' weights=PATH")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is not a file of weights that torch can read: {reason}") from None
    if not (isinstance(state, dict) and state and all(map(torch.is_tensor, state.values()))):
        raise InputError(f"{path} does not hold a state dict of tensors")
    return state


@contextmanager
def weights_that_fit(source: str | Path) -> Iterator[None]:
    """Turn torch's report on weights that do not fit a network into one line.

    Raises:
        InputError: if loading the state dict failed.
    """
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{source} holds the weights of another network: {reason}") from None


@contextmanager
def own_random_state() -> Iterator[None]:
    """Keep what a network's constructor draws out of everybody else's random numbers."""
    with torch.random.fork_rng(devices=[]):
        yield
