"""What a class says of itself, read from its source: importing them all takes seconds."""

import ast
import inspect
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hydra.utils import get_object

import ganzoo

_ROOT = Path(ganzoo.__file__).parent


@dataclass(frozen=True)
class Documented:
    """A class, or a function that makes an object, and its docstring.

    Attributes:
        module: The module that defines it.
        name: Its name there.
        documentation: Its docstring, or that of the class it derives from.
    """

    module: str
    name: str
    documentation: str


@cache
def look_up(target: str) -> Documented:
    """Find what a dotted name leads to; one of another package is imported.

    Args:
        target: As in ``_target_``.

    Raises:
        ImportError: if there is nothing of that name.
    """
    module, _, name = target.rpartition(".")
    path = _source(module)
    if path is None:
        return _imported(target)
    tree = _parsed(path)
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            text = ast.get_docstring(node) or _inherited(node, tree, module)
            return Documented(module, name, text)
    origin = _origin(tree, name)
    return look_up(origin) if origin else _imported(target)


def _inherited(node: ast.ClassDef | ast.FunctionDef, tree: ast.Module, module: str) -> str:
    written = node.bases if isinstance(node, ast.ClassDef) else []
    bases = [base.id for base in written if isinstance(base, ast.Name)]
    return look_up(_origin(tree, bases[0]) or f"{module}.{bases[0]}").documentation if bases else ""


def _origin(tree: ast.Module, name: str) -> str | None:
    """Where a module imports a name from."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return f"{node.module}.{alias.name}"
    return None


def _source(module: str) -> Path | None:
    package, *parts = module.split(".")
    if package != "ganzoo":
        return None
    place = _ROOT.joinpath(*parts)
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in files if path.is_file()), None)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(target: str) -> Documented:
    found = get_object(target)
    return Documented(found.__module__, found.__qualname__, inspect.getdoc(found) or "")
