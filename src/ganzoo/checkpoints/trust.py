"""Which classes a checkpoint may name."""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from ganzoo.errors import InputError

TRUSTED_MODULES = ("ganzoo", "torch.nn", "torch.optim")


def check_recipe(settings: Any, trusted: Sequence[str]) -> None:
    """Refuse a model's config that names anything but classes of trusted modules.

    A name is judged twice: as written, before anything is imported for it, and by the module
    that defines the object it resolves to, so that a name re-exported by a trusted module does
    not pass. Only classes pass: a function of a trusted module may do anything.

    Args:
        settings: The config inside a checkpoint.
        trusted: Modules to trust besides ``TRUSTED_MODULES``.

    Raises:
        InputError: naming the first thing that is not trusted.
    """
    modules = (*TRUSTED_MODULES, *trusted)
    for key, value in _items(settings):
        if isinstance(value, str) and "${" in value:
            raise InputError(f"the checkpoint holds an interpolation ({key}={value}): refused")
        if key == "_target_":
            _check_target(str(value), modules)


def _items(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield str(key), value
            yield from _items(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield "", value
            yield from _items(value)


def _check_target(name: str, modules: Sequence[str]) -> None:
    refused = InputError(
        f"the checkpoint names {name}, which is not trusted: if you know its author, "
        f"pass trusted=[{name.split('.')[0]!r}]"
    )
    if not _inside(name, modules):
        raise refused
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"the checkpoint names {name}, which does not exist here") from error
    if not (isinstance(found, type) and _inside(f"{found.__module__}.", modules)):
        raise refused


def _inside(name: str, modules: Sequence[str]) -> bool:
    return any(name.startswith(f"{module}.") for module in modules)
