"""What a setting or a choice that does not exist may have meant."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.compose import all_groups, composed_once, group_choices, groups, is_group
from ganzoo.composition.left_out import number_of_all, trainer_arguments
from ganzoo.composition.overrides import group_at, name_of, parse
from ganzoo.configs import composed, config_directory
from ganzoo.errors import canonical_spelling, closest, did_you_mean, listed

_REFERENCE = re.compile(r"\$\{(?P<name>[\w.]+)\}")
_ALIKE = 0.75  # of the last part of a setting's name


def suggest_choice(group: str, choice: str, options: Sequence[str] = ()) -> str:
    """Say what was meant by a choice that its group does not have.

    Args:
        group: The path of the config group, as ``optimizer/ema``.
        choice: What was asked for.
        options: The group's choices; empty for those of the zoo.
    """
    known = list(options or group_choices(group))
    own = closest(choice, known)
    found = (
        list(synonyms().get(f"{name_of(group)}={choice}", []))
        or [name for name in own if canonical_spelling(choice) in name]
        or _elsewhere(group, choice)
        or own
    )
    return did_you_mean(found) if found else f"choose from {listed(known)}"


def suggest_setting(name: str, overrides: Sequence[str] = (), config_name: str = "config") -> str:
    """Say what was meant by a setting that does not exist.

    Args:
        name: The dotted name.
        overrides: The user's overrides; those that choose from a group are applied.
        config_name: The primary config.
    """
    config = _chosen(overrides, config_name)
    own = {name: value for name, value in _settings(config) if not name.startswith("hydra")}
    names = own | dict.fromkeys(_groups(config_name), True)
    if config_name == "config":
        names |= dict.fromkeys(_left_out(config), False)
    renamed = _renamed(name) or _followed(config, name)
    if renamed in names or _owners(renamed):
        return _with_owner([renamed], names)
    name = renamed or name
    absent = next((place for place in _places(name) if _is_without(config, place)), None)
    if absent is not None and absent != name:
        return f"model={config.hydra.runtime.choices.model} has no {absent}"
    owners = "" if name in names else _owners(name)
    if owners:
        return f"it belongs to {owners}"
    found = _synonymous(name, names) or _ending(name, names) or _ending_longest(name, names)
    if found:
        return _with_owner(found, names)
    as_deep = [one for one in names if one.count(".") == name.count(".")]
    found = closest(name, as_deep, cutoff=0.9) or _same_last(name, names)
    found = found or closest(name, as_deep, cutoff=0.7) or closest(name, names, cutoff=0.7)
    found = found or _alike_last(name, names)
    return did_you_mean(found) if found else "--cfg job shows all settings"


@cache
def synonyms() -> dict[str, list[str]]:
    """What other libraries call a setting or a choice, and what it is here."""
    loaded: Any = OmegaConf.to_container(OmegaConf.load(config_directory() / "synonyms.yaml"))
    return {str(name): [meant] if isinstance(meant, str) else meant
            for name, meant in loaded.items()}  # fmt: skip


def _elsewhere(group: str, choice: str) -> list[str]:
    """Choices of other groups that are called so, or start so, and what they choose in this one."""
    word, placed = canonical_spelling(choice), {name_of(key) for key in _keys("config")}
    others = [(other, name) for other in all_groups() if other != group
              if name_of(other) in placed for name in _names(other)]  # fmt: skip
    same = [(other, name) for other, name in others if name == word]
    parts = [part for other, name in same for part in _parts(other, name, group)]
    longer = [(other, name) for other, name in others if name.startswith(f"{word}_")]
    return [*dict.fromkeys(parts), *(f"{name_of(other)}={name}" for other, name in same or longer)][
        :3
    ]


def _names(group: str) -> list[str]:
    return [name for name in group_choices(group) if name != "none"]


def _parts(other: str, name: str, group: str) -> Iterator[str]:
    """What a choice of one group chooses in another."""
    for entry in _defaults(config_directory() / other / f"{name}.yaml"):
        for key, value in entry.items() if isinstance(entry, dict) else ():
            if str(key).removeprefix("override ").lstrip("/").partition("@")[0] == group:
                yield f"{name_of(group)}={value}"


def _chosen(overrides: Sequence[str], config_name: str) -> DictConfig:
    """The config of the user's choices, or of none where they do not compose."""
    chosen = [
        word for word in overrides if is_group(_key(word)) or _key(word) == "hydra.searchpath"
    ]
    try:
        return composed_once(tuple(chosen), config_name, with_hydra=True)
    except HydraException:
        return composed_once((), config_name, with_hydra=True)


def _key(word: str) -> str:
    try:
        return str(parse(word).key_or_group)
    except HydraException:
        return ""


def _groups(config_name: str) -> Iterator[str]:
    """The places of the groups of a config."""
    if config_name in ("evaluate", "project"):  # whose lists begin with that of training
        yield from _groups("config")
    yield from map(name_of, _keys(config_name))


def _keys(config_name: str) -> Iterator[str]:
    """The groups of a config as its list of defaults has them."""
    for entry in _defaults(config_directory() / f"{config_name}.yaml"):
        for key in entry if isinstance(entry, dict) else ():
            if not str(key).startswith("override"):
                yield str(key)


def _defaults(path: Path) -> list[Any]:
    """The list of defaults of a config file."""
    config: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    return config.get("defaults", [])  # type: ignore[no-any-return]


def _left_out(config: DictConfig) -> Iterator[str]:
    """Settings that a job leaves out until they are set."""
    yield from (f"trainer.{name}" for name in trainer_arguments())
    numbers = [key for key, value in config.optimizer.items() if not isinstance(value, DictConfig)]
    for player in config.model.optimizers:
        names = (f"optimizer.{player}.{number}" for number in numbers)
        yield from (name for name in names if number_of_all(name))


def _places(name: str) -> Iterator[str]:
    """The groups that a setting is in, the innermost first."""
    words = name.split(".")
    for length in range(len(words), 0, -1):
        place = ".".join(words[:length])
        if group_at(place, [config_directory()]) or (length == 1 and place in groups()):
            yield place


def _is_without(config: DictConfig, place: str) -> bool:
    """Whether a run has nothing in the place of a group, not even the choice of nothing."""
    *above, last = place.split(".")
    node = OmegaConf.select(config, ".".join(above)) if above else config
    return isinstance(node, DictConfig) and last not in node


def _settings(node: Any, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Dotted names, and whether a value is written there or follows from another setting."""
    if not isinstance(node, DictConfig):
        return
    for key in map(str, node):
        follows = OmegaConf.is_interpolation(node, key)
        yield f"{prefix}{key}", not follows
        if not follows and not OmegaConf.is_missing(node, key):
            yield from _settings(node[key], f"{prefix}{key}.")


def _synonymous(name: str, names: Container[str]) -> list[str]:
    known = synonyms()
    last = re.split(r"[.@]", name.lower())[-1]
    meant = known.get(name.lower()) or known.get(last, [])
    here = [one for one in meant if one in names or "=" in one]
    return here or [one for one in meant if _owners(one)]


def _renamed(name: str) -> str:
    """A setting of a group that is inside of another one, and was not always; "" for others."""
    group, _, rest = name.partition(".")
    meant = synonyms().get(group, [])
    inside = len(meant) == 1 and group_at(meant[0], [config_directory()])
    return f"{meant[0]}.{rest}" if rest and inside else ""


def _followed(config: DictConfig, name: str) -> str:
    """The setting that one inside of a reference stands for; "" for others."""
    node: Any = OmegaConf.to_container(config, resolve=False)
    words = name.split(".")
    for number, word in enumerate(words):
        if isinstance(node, str) and (found := _REFERENCE.fullmatch(node)):
            return ".".join([found["name"], *words[number:]])
        node = node.get(word) if isinstance(node, dict) else None
    return ""


def _with_owner(found: Sequence[str], names: Container[str]) -> str:
    owners = "" if found[0] in names else _owners(found[0])
    return did_you_mean(found) + (f" It belongs to {owners}" if owners else "")


def _ending(name: str, names: Iterable[str]) -> list[str]:
    return [one for one in names if "." in name and one.endswith(f".{name}")][:3]


def _ending_longest(name: str, names: Iterable[str]) -> list[str]:
    """Settings whose last words, at least two, are the same: the most that any shares."""
    words = name.split(".")
    ends = (".".join(words[start:]) for start in range(1, len(words) - 1))
    return next((found for end in ends if (found := _ending(end, names))), [])


def _same_last(name: str, names: dict[str, bool]) -> list[str]:
    """Settings whose last word is the same; where values are written rather than followed."""
    last = canonical_spelling(name).rpartition(".")[2]
    same = sorted((one for one in names if one.rpartition(".")[2] == last), key=len)
    return ([one for one in same if names[one]] or same)[:3]


def _alike_last(name: str, names: dict[str, bool]) -> list[str]:
    ends = {one.rpartition(".")[2]: one for one in sorted(names, key=len, reverse=True)
            if names[one]}  # fmt: skip
    return [ends[end] for end in closest(name.rpartition(".")[2], ends, cutoff=_ALIKE)]


def _owners(name: str) -> str:
    """The choices of a setting's group that have it, where the chosen one has not."""
    for place in _places(name):
        group = (group_at(place, [config_directory()]) or place).partition("@")[0]
        rest = name[len(place) + 1 :]
        if not rest:
            return " or ".join(f"model={model}" for model in group_choices("model")
                               if any(_parts("model", model, group)))  # fmt: skip
        files = sorted((config_directory() / group).glob("*.yaml"))
        found = [path.stem for path in files if _has(path, place, rest)]
        found = found or [path.stem for path in files if _includes(f"{group}/{path.stem}", name)]
        if found:
            return " or ".join(f"{place}={choice}" for choice in found[:3])
    return ""


def _includes(file: str, name: str) -> bool:
    """Whether a file has a setting by another one that it includes."""
    node: Any = OmegaConf.to_container(composed(file))
    for word in name.split("."):
        node = node.get(word) if isinstance(node, dict) else None
    return node is not None


def _has(path: Path, place: str, setting: str) -> bool:
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    own = config.get(place) if "@package _global_" in path.read_text() else config
    return isinstance(own, DictConfig) and setting in dict(_settings(own))
