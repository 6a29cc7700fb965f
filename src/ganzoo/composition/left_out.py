"""Settings that a composed job leaves out until somebody sets them."""

import ast
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.overrides import name_of, parse
from ganzoo.configs import config_directory, groups_inside
from ganzoo.errors import InputError, nearest

_ADDED = "++"
"""How Hydra is told to set what may not be there."""
_NONE = object()


def with_left_out(words: Sequence[str]) -> list[str]:
    """Write overrides of settings that a job leaves out as Hydra takes them.

    They are arguments of Lightning's Trainer that ``conf/trainer`` does not say, as
    ``trainer.profiler``, and the numbers of one player's optimizer, ``optimizer.discriminator.lr``.

    Args:
        words: Overrides in Hydra's grammar.
    """
    return [f"{_ADDED}{word}" if _is_left_out(parse(word)) else word for word in words]


def as_written(word: str) -> str:
    """An override, or the name of one, as a user writes it."""
    key, equals, value = word.partition("=")
    plain = key.removeprefix(_ADDED)
    if "/" in plain and not plain.startswith("+"):
        plain = name_of(plain)
    elif not _is_of_one(plain):
        plain = key
    return f"{plain}{equals}{value}"


def number_of_all(name: str) -> str | None:
    """The number of all players in whose place one of a single player's is; None for others."""
    words = name.split(".")
    if len(words) != 3 or words[0] != "optimizer" or words[1] in groups_inside("optimizer"):
        return None
    return f"{words[0]}.{words[2]}"


def check_players(config: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse numbers of an optimizer for a player that the model does not have, or of no optimizer.

    Args:
        config: What the overrides are composed to.
        overrides: The user's overrides.

    Raises:
        InputError: naming the player or the number.
    """
    players, inside = sorted(map(str, config.model.optimizers)), groups_inside("optimizer")
    own = [key for key, value in config.optimizer.items() if isinstance(value, DictConfig)]
    for name in map(str, set(own) - {*inside, *players}):
        raise InputError(f"optimizer.{name} is of no player: {nearest(name, players)}")
    for name in (str(parse(word).key_or_group) for word in overrides if word.startswith(_ADDED)):
        of_all = number_of_all(name)
        if of_all is not None and OmegaConf.select(config, of_all, default=_NONE) is _NONE:
            known = set(map(str, config.optimizer)) - {*inside, *players}
            raise InputError(f"unknown setting {name!r}: {nearest(name.rpartition('.')[2], known)}")


@cache
def trainer_arguments() -> frozenset[str]:
    """Names of the arguments of Lightning's Trainer, from its source: an import takes seconds."""
    package = find_spec("lightning")
    assert package is not None and package.submodule_search_locations
    path = Path(package.submodule_search_locations[0], "pytorch", "trainer", "trainer.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return frozenset(one.arg for one in node.args.kwonlyargs)
    raise LookupError(f"no Trainer in {path}")


def _is_left_out(override: Override) -> bool:
    plain = not (override.is_add() or override.is_force_add() or override.is_delete())
    return plain and _is_of_one(str(override.key_or_group))


def _is_of_one(name: str) -> bool:
    group, _, argument = name.partition(".")
    if group == "trainer":
        return argument in trainer_arguments() and argument not in _written()
    return number_of_all(name) is not None


@cache
def _written() -> frozenset[str]:
    """The arguments that ``conf/trainer`` says itself."""
    loaded = OmegaConf.load(config_directory() / "trainer" / "default.yaml")
    return frozenset(map(str, loaded))
