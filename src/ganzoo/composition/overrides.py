"""What a user means by words of the command line that Hydra's grammar cannot read."""

import re
import shlex
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf

from ganzoo.configs import BASE
from ganzoo.errors import InputError, listed

_WORD = re.compile(r"(?P<key>(?:\+\+?)?[\w./@-]+)=(?P<value>.*)", re.DOTALL)
_STRUCTURED = ("[", "{", "'", '"')
_TEXTS = ("logger.",)  # notes and names that may be empty


def hydra_overrides(words: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Write overrides as Hydra reads them, where they have one meaning.

    ``checkpoint=epoch=0-step=5.ckpt`` gets quotes; ``logger=false``, ``optimizer.ema=null`` and
    ``~penalty`` become the choice that adds nothing. A name that is given to the place of a group
    inside of another one chooses from it: ``optimizer.ema=exponential`` is
    ``optimizer/ema=exponential``.

    Args:
        words: Overrides.
        folders: Where config groups are, the first one first.

    Raises:
        InputError: if a word cannot be read, or nothing is chosen where something must be.
    """
    return [_chosen(_as_choice(_readable(word), folders), folders) for word in words]


def parse(word: str) -> Override:
    """Parse one override.

    Raises:
        HydraException: if it cannot be read.
    """
    return OverridesParser.create().parse_override(word)


def overrides_of_this_run() -> list[str]:
    """The overrides of the run that Hydra has started, as they were written."""
    # Interpolations in them are of the config, not of Hydra's, and so are left alone.
    given: Any = OmegaConf.to_container(HydraConfig.get().overrides, resolve=False)
    return [str(word) for word in given["task"]]


def quoted(text: str) -> str:
    """Text in the quotes of Hydra's grammar, in which only a quote's own backslashes count."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{escaped}'"


def how_to_quote(key: str, value: str) -> str:
    """An override as a shell takes it, with its value in quotes of Hydra's."""
    return shlex.quote(f"{key}={quoted(value)}" if '"' in value else f'{key}="{value}"')


def empty_choice(group: str, folders: Sequence[Path]) -> str | None:
    """The choice of a group that adds nothing, if it has one."""
    for folder in folders:
        if (folder / group / "none.yaml").is_file():
            return "none"
        for path in sorted((folder / group).glob("*.yaml")):
            if _is_one_line(path) and OmegaConf.load(path) == {group.rpartition("/")[2]: None}:
                return path.stem
    return None


def _is_one_line(path: Path) -> bool:
    """Whether a file has one line that is no comment, without parsing it, which takes long."""
    lines = map(str.strip, path.read_text(encoding="utf-8").splitlines())
    return sum(1 for line in lines if line and not line.startswith("#")) == 1


def group_at(place: str, folders: Sequence[Path]) -> str | None:
    """The group that is chosen from at a place inside of another one, as Hydra writes it.

    The first word is the outer group, the last one the inner: ``optimizer/ema`` of
    ``optimizer.ema``. A group may be inside of itself, as in ``loss@loss.loss``. Places of other
    names are those of ``config.yaml``: ``network.generator_normalization``, which is also meant by
    ``network.generator_normalization``.

    Args:
        place: A dotted name.
        folders: Where config groups are.

    Returns:
        The key of an override, or None where no group is chosen from there.
    """
    words = place.split(".")
    for named in (_named_places(folder / "config.yaml") for folder in folders):
        for one in (place, "_".join(place.rsplit(".", 1))):
            if one in named:
                return named[one]
    if len(words) == 1 or words[0] == "hydra" or words[-1] == BASE:
        return None
    itself = len(words) == 2 and words[0] == words[1]
    group = words[0] if itself else f"{words[0]}/{words[-1]}"
    if not _files(group, folders):
        return None
    return f"{group}@{place}" if itself or len(words) > 2 else group


@cache
def _named_places(config: Path) -> dict[str, str]:
    """Places that a list of defaults names itself, and the keys that choose there."""
    loaded: Any = OmegaConf.to_container(OmegaConf.load(config)) if config.is_file() else {}
    keys = [key for entry in loaded.get("defaults", []) if isinstance(entry, dict) for key in entry]
    return {key.partition("@")[2]: key for key in keys if "@" in key}


def name_of(key: str) -> str:
    """The dotted name of what is chosen by a key of Hydra's."""
    group, _, package = key.partition("@")
    return package.removeprefix("_global_.") or group.replace("/", ".")


def _readable(word: str) -> str:
    try:
        parse(word)
    except HydraException as error:
        found = _WORD.fullmatch(word)
        if found is None:
            raise InputError(f"cannot read {word!r}: write setting=value") from error
        key, value = found["key"], found["value"]
        if "${" in value:
            raise InputError(f"cannot read {word!r}: its '${{' has no '}}'") from error
        if value.startswith(_STRUCTURED) or "," in value:
            raise InputError(
                f"cannot read {word!r}: text with special characters is quoted, "
                f"as in {how_to_quote(key, value)}"
            ) from error
        return f"{key}={quoted(value)}"
    return word


def _as_choice(word: str, folders: Sequence[Path]) -> str:
    """A choice from a group in Hydra's form, where it is given by its place."""
    override = parse(word)
    if override.is_add() or override.is_force_add() or not _may_choose(override):
        return word
    key = group_at(str(override.key_or_group), folders)
    if key is None or override.package is not None:
        return word
    return f"~{key}" if override.is_delete() else f"{key}={word.partition('=')[2]}"


def _may_choose(override: Override) -> bool:
    """Whether the value is one that a choice can have: a name, a list of them, or nothing."""
    value: Any = override.value()
    if override.is_sweep_override():
        return override.is_choice_sweep() and all(map(_is_name, value.list))
    return override.is_delete() or all(map(_is_name, value if isinstance(value, list) else [value]))


def _is_name(value: Any) -> bool:
    return value is None or value is False or isinstance(value, str)


def _files(group: str, folders: Sequence[Path]) -> list[Path]:
    return [path for folder in folders for path in (folder / group).glob("*.yaml")]


def _chosen(word: str, folders: Sequence[Path]) -> str:
    override = parse(word)
    name = str(override.key_or_group)
    if not name:
        raise InputError(f"cannot read {word!r}: write setting=value")
    group, _, package = name.partition("@")
    choices = _files(group, folders)
    if not choices:
        _check_not_empty(override, name)
    if not choices or override.is_add() or override.is_force_add():
        return word
    value: Any = override.value()
    if isinstance(value, list) and not package:
        _check_together(group, value, choices)
    named = _named(override, word, lambda: _empty(group, folders))
    return word if named is None else f"{override.get_key_element().lstrip('~')}={named}"


def _check_not_empty(override: Override, name: str) -> None:
    if override.value() == "" and not name.startswith(_TEXTS):
        raise InputError(f"{name} is empty: give it a value, or {name}=null for none")


def _named(override: Override, word: str, empty: Callable[[], str]) -> str | None:
    """What is written for a choice of nothing; None where something is chosen."""
    if override.is_delete():
        return empty()
    if not override.is_sweep_override():
        return empty() if _is_nothing(override.value()) else None
    parts = word.partition("=")[2].split(",")
    nothing = [part in {"null", "false"} for part in parts]
    if not any(nothing):
        return None
    return ",".join(empty() if one else part for one, part in zip(nothing, parts, strict=True))


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", "None")


def _empty(group: str, folders: Sequence[Path]) -> str:
    found = empty_choice(group, folders)
    if found is None:
        names, name = sorted({path.stem for path in _files(group, folders)}), name_of(group)
        raise InputError(f"{name} must be chosen: {name}=NAME, with one of {listed(names)}")
    return found


def _check_together(group: str, names: Sequence[Any], choices: Sequence[Path]) -> None:
    """Refuse two choices of which the second would take the place of the first."""
    first: dict[str, tuple[str, Any]] = {}
    for path in (path for path in choices if path.stem in names):
        config: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        for key, value in config.items():
            name, other = first.setdefault(key, (path.stem, value))
            if key != "defaults" and value != other:
                raise InputError(
                    f"{group}={name} and {group}={path.stem} exclude each other: choose one"
                )
