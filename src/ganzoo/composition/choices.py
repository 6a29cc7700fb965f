"""What was chosen in each config group, by names that a person reads."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.overrides import name_of
from ganzoo.configs import groups_inside

_REFERENCE = re.compile(r"\$\{(?:without_groups:)?([a-z_]+)")
NONE = "none"
"""The choice of nothing."""
_FIRST = ("model", "dataset", "loss", "penalty")
_NOT_SHOWN = ("hydra/", "sweep/")


def chosen(config: DictConfig, choices: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The choice of each group, several of one group as ``"r1, r2"``.

    Groups inside of others have the names of their places, as ``optimizer.ema``.

    Args:
        config: A composed config.
        choices: Hydra's record of what was chosen; None for that of the run in progress.
    """
    recorded = HydraConfig.get().runtime.choices if choices is None else choices
    groups = _groups()
    found: dict[str, list[str]] = {}
    for key, choice in recorded.items():
        if choice is not None and not key.startswith(_NOT_SHOWN):
            found.setdefault(_name(str(key), groups), []).append(str(choice))
    # Of a list of choices Hydra keeps no name, but each has a key in the group's node.
    for group in groups:
        node, name = OmegaConf.select(config, name_of(group)), name_of(group)
        if isinstance(node, DictConfig) and name not in found:
            found[name] = [str(key) for key in node if key not in groups_inside(group)]
    order = [*_FIRST, *sorted(set(found) - set(_FIRST))]
    return {group: ", ".join(_made(found[group])) for group in order if group in found}


def _name(key: str, groups: Collection[str]) -> str:
    """The group, or the place that it is chosen for."""
    group, _, place = key.partition("@")
    # A choice that a model brings along inside of itself is one of its group all the same.
    return group if place.split(".")[0] in groups and "/" not in group else name_of(key)


def _made(choices: list[str]) -> list[str]:
    return [choice for choice in choices if choice != NONE] or [NONE]


def referenced_names(config: DictConfig, start: str, *, not_beyond: str = "") -> set[str]:
    """The top-level names that a node's interpolations lead to, itself among them.

    Args:
        config: A composed config.
        start: The node's name.
        not_beyond: A node whose own interpolations are left alone.
    """
    node = OmegaConf.to_container(config, resolve=False)
    assert isinstance(node, dict)
    found: set[str] = set()
    ahead = {start}
    while ahead:
        name = ahead.pop()
        found.add(name)
        if name == not_beyond:
            continue
        ahead |= set(_REFERENCE.findall(str(node.get(name)))) & set(node) - found
    return found


def _groups() -> list[str]:
    from ganzoo.composition.compose import all_groups

    return all_groups()


def _first(*values: Any) -> Any:
    """The first value that names something: not null, and not the choice of nothing."""
    return next((value for value in values if value not in (None, NONE)), None)


def _labels(*groups: str, _root_: DictConfig) -> Any:
    """The choices of these groups as a list, several of a group one by one, without ``none``."""
    found = chosen(_root_)
    names = [name for group in groups for name in found.get(group, NONE).split(", ")]
    return OmegaConf.create([name for name in names if name != NONE])


OmegaConf.register_new_resolver("first", _first, replace=True)
OmegaConf.register_new_resolver("labels", _labels, replace=True)
