"""The configs of the theory: a root of their own, with the losses and penalties of the zoo."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition import entry
from ganzoo.composition.choices import referenced_names
from ganzoo.composition.explain import explain
from ganzoo.configs import config_directory
from ganzoo.errors import InputError, nearest

THEORY_GROUPS = ("game", "optimizer", "figure")
"""The config groups of the theory's own."""
_PLACE = {"output", "name"}
_ALWAYS = {"figure", "hydra", *_PLACE}
_UNKNOWN = re.compile(r"Could not override '([^' ]+)")

OmegaConf.register_new_resolver("zoo_configs", lambda: str(config_directory()), replace=True)


def theory_directory() -> Path:
    """The folder of the theory's own config groups."""
    return config_directory() / "theory"


def compose_theory(overrides: Sequence[str]) -> DictConfig:
    """Compose a config as ``python -m ganzoo.theory`` would.

    Args:
        overrides: Overrides in Hydra's grammar, such as ``"game=dirac"``.
    """
    with initialize_config_dir(version_base="1.3", config_dir=str(theory_directory())):
        return compose("config", overrides=list(overrides))


def run_theory(task: Callable[[DictConfig], Any]) -> None:
    """Compose the command line's config and give it to the task, as the other entry points do."""
    entry.run(task, "config", directory=theory_directory(), explain=_explain)


def check_used(config: DictConfig, overrides: Sequence[str], choices: Mapping[str, Any]) -> None:
    """Refuse settings that what is drawn does not look at, and choices that are of training.

    Args:
        config: A composed config.
        overrides: The user's overrides.
        choices: What was chosen in each group.

    Raises:
        InputError: naming the first such setting.
    """
    for group in THEORY_GROUPS:
        _check_choice(group, str(choices[group]))
    used = referenced_names(config, "figure") | _ALWAYS
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        name = override.get_key_element().split(".")[0].split("@")[0]
        if name not in used:
            raise InputError(
                f"{name} has no meaning here: with these choices the settings are "
                + ", ".join(sorted(used - {"hydra", "names"}))
            )


def names_of(
    config: DictConfig, overrides: Sequence[str], choices: Mapping[str, Any]
) -> dict[str, str]:
    """What was chosen for an analysis, by the names of groups, and changes inside of them.

    Args:
        config: A composed config.
        overrides: The user's overrides.
        choices: What was chosen in each group.
    """
    used = referenced_names(config, "figure")
    named: list[str] = ["game", "loss", "penalty", "optimizer"]
    groups = [group for group in named if group in used]
    # Of a list of choices Hydra keeps no name.
    made: dict[str, Any] = dict(choices) | {"penalty": " and ".join(map(str, config.penalty))}
    names = {group: str(made[group]) for group in groups if made[group]}
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.get_key_element()
        if key.split(".")[0] in groups and "." in key:
            names[key] = str(override.get_value_element_as_str())
    return names


def command_of(overrides: Sequence[str], *, swept: bool = False) -> str:
    """The command that makes a picture, without the place where it is put.

    Args:
        overrides: The user's overrides.
        swept: Whether they are those of a sweep.
    """
    words = [word for word in overrides if word.partition("=")[0] not in _PLACE]
    return " ".join(["python -m ganzoo.theory", *["-m"][: int(swept)], *words])


def own_choices(group: str) -> list[str]:
    """The names that a group of the theory's own offers."""
    return sorted(path.stem for path in (theory_directory() / group).glob("*.yaml"))


def _check_choice(group: str, choice: str) -> None:
    # A group of training may have the same name, and then more choices are found.
    if choice not in own_choices(group):
        raise InputError(
            f"{group}={choice} is not of the theory: {nearest(choice, own_choices(group))}"
        )


def _explain(error: Exception, overrides: Sequence[str]) -> str | None:
    unknown = _UNKNOWN.search(str(error))
    if isinstance(error, ConfigCompositionException) and unknown:
        name = unknown.group(1)
        return f"unknown setting {name!r}: {nearest(name, _setting_names())}"
    if isinstance(error, MissingConfigException):
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        if group in THEORY_GROUPS:
            return f"unknown {group} {choice!r}: {nearest(choice, own_choices(group))}"
    return explain(error, overrides)


def _setting_names() -> list[str]:
    config = compose_theory([])
    return [*map(str, config), *(f"figure.{name}" for name in config.figure)]
