"""The defaults of parts in Python: the numbers in their config files."""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

from ganzoo.configs import part_in, values_in

Part = TypeVar("Part", bound=Callable[..., Any])


class _FromConfig:
    def __repr__(self) -> str:
        return "<from conf>"


FROM_CONFIG: Any = _FromConfig()
"""In a signature: the default of the argument is what the part's config file says."""


def defaults_from(file: str = "", *, beside: str = "", of: str = "") -> Callable[[Part], Part]:
    """Let arguments that are declared ``= FROM_CONFIG`` have the values of a config file.

    The values are those of the first part in the file whose ``_target_`` has the decorated name,
    or another name, where a base has what one of its subclasses says. The file is read when an
    argument is missing for the first time. What the caller gives always wins;
    ``inspect.signature`` and ``help`` of a class show the values.

    Args:
        file: In ``conf``, such as ``"penalty/r1"``; "" for a class whose subclasses have files.
        beside: A file of another group that this one refers to and that a run would choose.
        of: That other name.

    Returns:
        A decorator of classes and functions.
    """

    def decorate(part: Part) -> Part:
        defaults = Defaults(part, file, beside, of or getattr(part, "__name__", ""))
        decorated = _class(part, defaults) if isinstance(part, type) else _function(part, defaults)
        return cast("Part", decorated)

    return decorate


class Defaults:
    """What a part takes where an argument is not given.

    Args:
        part: A class or a function.
        file: Its config file, or "".
        beside: Another file that this one refers to, or "".
        of: The name of the part in the file.
    """

    def __init__(self, part: Callable[..., Any], file: str, beside: str, of: str) -> None:
        self.part, self.file, self.beside, self.of = part, file, beside, of

    def complete(
        self, args: tuple[Any, ...], given: dict[str, Any], name: str = ""
    ) -> dict[str, Any]:
        """The arguments by name: what is given, and the defaults of what is not.

        Args:
            args: What is given by position.
            given: What is given by name.
            name: Whose arguments they are, for the message; "" for the part's.

        Raises:
            TypeError: if neither the caller nor a file says what an argument is.
        """
        missing = self.declared - given.keys() - set(self._positional[: len(args)])
        if not missing:
            return given
        values = self.values(missing)
        unknown = ", ".join(sorted(missing - values.keys()))
        if unknown:
            raise TypeError(
                f"{name or self.part.__name__} has no default of {unknown}: give a value"
            )
        return given | {name: _built(value) for name, value in values.items()}

    def values(self, names: set[str]) -> dict[str, Any]:
        """Those of the named arguments that the file says without anything else of a run."""
        if not self.file:
            return {}
        return dict(values_in(part_in(self.file, self.beside, self.of), names))

    @functools.cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """All arguments of the part by name, those that it passes on to its base included."""
        return {parameter.name: parameter for parameter in _parameters(self.part)}

    @functools.cached_property
    def declared(self) -> set[str]:
        """The arguments whose defaults are in the file."""
        return {name for name, p in self.parameters.items() if p.default is FROM_CONFIG}

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The signature with the values in it; what has none must be given."""
        known = {name: _shown(value) for name, value in self.values(self.declared).items()}
        none = inspect.Parameter.empty
        return inspect.Signature(
            [
                p.replace(default=known.get(name, none)) if name in self.declared else p
                for name, p in self.parameters.items()
            ]
        )

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        """The signature of the class and of subclasses without a constructor of their own."""
        if instance is None and _constructing(owner) is self.part:
            return self.signature
        raise AttributeError("__signature__")

    @functools.cached_property
    def _positional(self) -> list[str]:
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [p.name for p in self.parameters.values() if p.kind in kinds]


def _class(part: Any, defaults: Defaults) -> Any:
    own = vars(part).get("__init__")

    @functools.wraps(part.__init__)
    def initialize(self: Any, *args: Any, **given: Any) -> None:
        given = defaults.complete(args, given, type(self).__name__)
        if own is None:
            super(part, self).__init__(*args, **given)
        else:
            own(self, *args, **given)

    part.__init__ = initialize
    part.__signature__ = defaults
    return part


def _function(part: Any, defaults: Defaults) -> Any:
    @functools.wraps(part)
    def call(*args: Any, **given: Any) -> Any:
        return part(*args, **defaults.complete(args, given))

    return call


def _constructing(owner: type) -> type:
    return next(kind for kind in owner.__mro__ if "__init__" in vars(kind))


def _parameters(part: Any) -> Iterator[inspect.Parameter]:
    """The arguments of a function, or of a class and of the bases that it passes others on to."""
    if not isinstance(part, type):
        yield from inspect.signature(part).parameters.values()
        return
    seen: set[str] = {"self"}
    rest: list[inspect.Parameter] = []
    for number, function in enumerate(_constructors(part)):
        rest = []
        for parameter in inspect.signature(inspect.unwrap(function)).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                rest = [parameter]
            elif parameter.name not in seen:
                seen.add(parameter.name)
                yield parameter.replace(kind=parameter.KEYWORD_ONLY) if number else parameter
        if not rest:
            return
    yield from rest


def _constructors(part: type) -> Iterator[Any]:
    """The constructors of the library's own classes, from the class to its bases."""
    for kind in part.__mro__:
        if not kind.__module__.startswith("ganzoo."):
            return
        if "__init__" in vars(kind):
            yield vars(kind)["__init__"]


def _built(value: Any) -> Any:
    """A value with new parts in place of what describes them."""
    if isinstance(value, list):
        return [_built(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _built(item) for key, item in value.items() if not key.startswith("_")}
    if "_target_" not in value:
        return made
    module, _, name = value["_target_"].rpartition(".")
    target = getattr(importlib.import_module(module), name)
    return functools.partial(target, **made) if value.get("_partial_") else target(**made)


class _Text(str):
    """What a signature shows for a part."""

    def __repr__(self) -> str:
        return str(self)


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    inside = {key: _shown(item) for key, item in value.items() if not key.startswith("_")}
    if "_target_" not in value:
        return inside
    arguments = ", ".join(f"{key}={item!r}" for key, item in inside.items())
    return _Text(f"{value['_target_'].rpartition('.')[2]}({arguments})")
