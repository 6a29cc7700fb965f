"""What is wrong with a ``_target_`` that cannot be imported."""

import pkgutil
import re
import traceback
from importlib import import_module

from hydra.errors import InstantiationException

from ganzoo.errors import closest, did_you_mean

_LOCATING = re.compile(r"Error locating target '(?P<name>[^']*)'")


def explain_target(error: InstantiationException) -> str | None:
    """Say which part of a ``_target_`` is not there, and what it may have meant.

    Returns:
        The line, or None where the error is of another kind.
    """
    found = _LOCATING.search(str(error))
    return _missing(found["name"]) if found else None


def _missing(target: str) -> str:
    """Walk along a dotted name as far as it leads."""
    said = f"cannot import _target_={target}: "
    there, parts = "", target.split(".")
    for part in parts:
        name = f"{there}.{part}" if there else part
        if there and hasattr(_object(there), part):
            there = name
            continue
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            own = name.startswith(error.name or name)  # else the module itself lacks another
            return said + (_no_such(there, part) if own else str(error))
        except Exception as error:  # the user's own module has a fault
            return said + _fault(name, error)
        there = name
    return said + "it is not a class or a function"


def _object(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    try:
        return import_module(name)
    except ImportError:
        return getattr(_object(module), attribute)


def _no_such(there: str, part: str) -> str:
    if not there:
        names = [module.name for module in pkgutil.iter_modules()]
        here = f"there is no module {part!r} in the current folder or installed"
    else:
        names = _inside(there)
        here = f"{there} has no {part!r}"
    near = closest(part, names)
    return f"{here}, {did_you_mean(near)}" if near else here


def _inside(name: str) -> list[str]:
    """Public names of a module or class, submodules too."""
    found = _object(name)
    modules = [one.name for one in pkgutil.iter_modules(getattr(found, "__path__", []))]
    return [one for one in {*modules, *dir(found)} if not one.startswith("_")]


def _fault(name: str, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = str(error).splitlines()[0] if str(error) else ""
    return f"{name} raises {type(error).__name__} at {place.filename}:{place.lineno}: {said}"
