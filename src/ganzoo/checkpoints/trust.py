"""Which classes a checkpoint may name, and what else its config may hold."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from ganzoo.errors import InputError

TRUSTED_MODULES = ("ganzoo", "torch.nn", "torch.optim")
TRUSTED_FUNCTIONS = ("ganzoo.optim.schedules.cosine_decay", "ganzoo.optim.schedules.linear_decay")
"""Functions of ours that configs name and that only make an object."""
LARGEST = 10_000
"""Values in a config; models have hundreds."""
DEEPEST = 32
LONGEST_TEXT = 1000
LONGEST_NAME = 200

_IS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "_target_": (lambda value: type(value) is str, "the name of a class"),
    "_args_": (lambda value: type(value) is list, "a list"),
    "_partial_": (lambda value: type(value) is bool, "true or false"),
    "_recursive_": (lambda value: type(value) is bool, "true or false"),
    "_convert_": (lambda value: value in ("none", "partial", "object", "all"), "one of its words"),
}
"""What the keys mean to Hydra that it does not pass on to a constructor."""


def check_configuration(settings: Any, trusted: Sequence[str]) -> None:
    """Refuse a model's config that holds more than plain values and names of trusted classes.

    A name is judged twice: as written, before anything is imported for it, and by the module
    that defines the object it resolves to, so that a name re-exported by a trusted module does
    not pass. Only classes pass, and two functions by their names: any other function of a trusted
    module may do anything. The config may be hostile in form too: it may contain itself, or share
    its parts so that it never ends.

    Args:
        settings: The config inside a checkpoint.
        trusted: Modules to trust besides ``TRUSTED_MODULES``.

    Raises:
        InputError: naming the first thing that is not trusted.
    """
    if isinstance(trusted, str):
        raise InputError(f"trusted is a list of modules: write trusted=[{trusted!r}]")
    modules = (*TRUSTED_MODULES, *trusted)
    for key, value in _entries(settings):
        _check_value(key, value)
        if key == "_target_":
            _check_target(value, modules)


def is_text(value: Any, longest: int = LONGEST_NAME) -> bool:
    """Whether a value out of a checkpoint is text that is safe to print: short, and one line."""
    return type(value) is str and len(value) <= longest and value.isprintable()


def _entries(root: Any) -> Iterator[tuple[str, Any]]:
    """Every value inside, with its key; a value of a list has the empty one."""
    waiting, seen = [("", root, 0)], 0
    while waiting:
        key, value, depth = waiting.pop()
        yield key, value
        if depth > DEEPEST:
            raise InputError(f"the checkpoint's config is nested deeper than {DEEPEST} levels")
        inside = _inner(value)
        seen += len(inside)
        if seen > LARGEST:
            raise InputError(f"the checkpoint's config has more than {LARGEST} values")
        waiting.extend((name, part, depth + 1) for name, part in inside)


def _inner(value: Any) -> list[tuple[str, Any]]:
    if type(value) is dict:
        if len(value) <= LARGEST and not all(is_text(key) for key in value):
            raise InputError("the checkpoint's config has a key that is not a name")
        return list(value.items())
    return [("", part) for part in value] if type(value) in (list, tuple) else []


def _check_value(key: str, value: Any) -> None:
    where = f"the checkpoint's config sets {key or 'a part of a list'}"
    if type(value) not in (dict, list, tuple, str, int, float, bool, type(None)):
        raise InputError(f"{where} to a {type(value).__name__}, which no config holds: refused")
    if type(value) is int and value.bit_length() > 63:
        raise InputError(f"{where} to a number of more than 64 bits: refused")
    if type(value) is str and not is_text(value, LONGEST_TEXT):
        raise InputError(f"{where} to text that is longer than a line: refused")
    if type(value) is str and ("${" in value or value == "???"):
        raise InputError(f"the checkpoint holds an interpolation ({key}={value}): refused")
    if key in _IS and not _IS[key][0](value):
        raise InputError(f"{where} to {_shown(value)}, which must be {_IS[key][1]}")


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"


def _check_target(name: str, modules: Sequence[str]) -> None:
    parts = name.split(".")
    if len(parts) < 2 or len(name) > LONGEST_NAME or not all(map(str.isidentifier, parts)):
        raise InputError(f"the checkpoint names {name[:LONGEST_NAME]!r}, which is no class")
    refused = InputError(
        f"the checkpoint names {name}, which is not trusted: if you know its author, "
        f"pass trusted=[{parts[0]!r}]"
    )
    if not _inside(name, modules):
        raise refused
    found = _find(name)
    if name in TRUSTED_FUNCTIONS:
        return
    if not (isinstance(found, type) and _inside(f"{found.__module__}.", modules)):
        raise refused


def _find(name: str) -> Any:
    """What Hydra will find under a name: an attribute where there is one, or else a module."""
    first, *others = name.split(".")
    path = first
    try:
        found: Any = importlib.import_module(first)
        for part in others:
            path = f"{path}.{part}"
            if not hasattr(found, part) and isinstance(found, ModuleType):
                importlib.import_module(path)
            found = getattr(found, part)
    except Exception as error:  # importing a module may raise anything
        raise InputError(f"the checkpoint names {name}, which does not exist here") from error
    return found


def _inside(name: str, modules: Sequence[str]) -> bool:
    return any(name.startswith(f"{module}.") for module in modules)
