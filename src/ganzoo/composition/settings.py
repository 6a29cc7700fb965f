"""What can be said of a user's settings before anything is imported that computes."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, ListConfig, OmegaConf

from ganzoo.composition.compose import compose_config, composed_once, groups, is_group, resolved
from ganzoo.composition.left_out import check_players, number_of_all
from ganzoo.composition.overrides import empty_choice, name_of, parse
from ganzoo.composition.suggestions import suggest_setting
from ganzoo.composition.trainer_words import check_words
from ganzoo.configs import config_directory
from ganzoo.data.checks import check_root
from ganzoo.errors import InputError

_BUILT = ("model", "trainer", "callbacks", "logger", "dataset.datamodule", "dataset.shape")
_REFERENCE = re.compile(r"\$\{(?:without_groups:)?([\w.]+)")
_TRUTH_OR_COUNT = "trainer.fast_dev_run"
_LARGEST_SEED = 2**32 - 1


def check_settings(config: DictConfig, overrides: Sequence[str]) -> None:
    """Refuse settings of a training run that nothing uses, and values of a wrong kind.

    Args:
        config: What the overrides are composed to.
        overrides: The user's overrides.

    Raises:
        InputError: naming the first such setting.
    """
    for override in map(parse, overrides):
        _check_given(config, override, overrides)
    check_choices(config, overrides, HydraConfig.get().runtime.choices["model"])
    check_players(config, overrides)
    check_kinds(config, overrides)
    seed = config.seed
    if seed is not None and (isinstance(seed, bool | float) or not 0 <= seed <= _LARGEST_SEED):
        raise InputError(f"seed must be a whole number from 0 to {_LARGEST_SEED}, not {seed!r}")
    check_words(resolved(config.trainer))
    source = OmegaConf.select(config, "dataset.datamodule.source")
    if isinstance(source, DictConfig) and "root" in source:
        check_root(source.root)


def check_choices(config: DictConfig, overrides: Sequence[str], model: str) -> None:
    """Refuse a choice, other than that of nothing, that nothing in a run uses.

    Args:
        config: What the overrides are composed to.
        overrides: The user's overrides.
        model: The choice of the model.

    Raises:
        InputError: naming the first one.
    """
    for override in map(parse, overrides):
        name = name_of(override.get_key_element().lstrip("+~"))
        if not is_group(str(override.key_or_group)) or _chooses_nothing(override):
            continue
        if OmegaConf.select(config, name) is not None and not _is_reached(config, name):
            others = [w for w in overrides if _chooses(parse(w)) and w != override.input_line]
            usual = OmegaConf.select(composed_once(tuple(others)), name)
            said = f"model={model} has no {name}" if usual is None else f"nothing uses {name}"
            raise InputError(f"{said}: leave out {name}={override.get_value_element_as_str()}")


def check_checkpoint(path: Path) -> None:
    """Refuse a checkpoint that is not there, before torch is imported.

    Raises:
        InputError: naming the path.
    """
    if not path.exists():
        raise InputError(f"there is no checkpoint at {path}")


def check_kinds(
    config: DictConfig,
    overrides: Sequence[str],
    config_name: str = "config",
    directory: Path | None = None,
) -> None:
    """Refuse values of another kind than those that the same config has without them.

    A whole number that is written as ``1e4`` becomes one where a whole number is wanted.

    Args:
        config: What the overrides are composed to.
        overrides: The user's overrides.
        config_name: The primary config.
        directory: Where it is; None for the folder of training.

    Raises:
        InputError: naming the first such setting.
    """
    given = [parse(word) for word in overrides]
    suspicious = [one for one in given if _is_suspicious(one)]
    if suspicious:
        chosen = tuple(str(one.input_line) for one in given if _chooses(one))
        usual, default = (composed_once(words, config_name, directory) for words in (chosen, ()))
        for override in suspicious:
            name = str(override.key_or_group)
            known = number_of_all(name) or name
            if not isinstance(OmegaConf.select(default, known), str):  # auto, or a number
                _check_kind(config, name, OmegaConf.select(usual, known))


def check_known(config: DictConfig, config_name: str) -> None:
    """Refuse a setting that was added to a config without groups.

    Raises:
        InputError: naming it.
    """
    own = set(map(str, composed_once((), config_name)))
    added = [key for key in map(str, config) if key not in own]
    if added:
        meant = suggest_setting(added[0], (), config_name)
        raise InputError(f"nothing uses the setting {added[0]!r}: {meant}")


def check_sweep(overrides: Sequence[str], config_name: str, directory: Path) -> None:
    """Compose runs of a sweep before Hydra makes its folder: the first, and one for each choice.

    Args:
        overrides: The user's overrides.
        config_name: The primary config.
        directory: Where it is.

    Raises:
        HydraException: what composing says of an unknown setting or choice.
    """
    values = [_values(parse(word)) for word in overrides]
    first = [words[0] for words in values if words]
    compose_config(first, config_name, directory)
    for words in values:
        for word in words[1:] if words and _chooses(parse(words[0])) else ():
            compose_config([*first, word], config_name, directory)


def _values(override: Override) -> list[str]:
    """Overrides with one value each; none where a sweeper draws from an interval."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    key = override.get_key_element()
    if not override.is_discrete_sweep():
        return []
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def _check_given(config: DictConfig, override: Override, overrides: Sequence[str]) -> None:
    name = str(override.key_or_group)
    if _chooses(override):
        return
    if override.is_delete():
        if "." not in name:
            raise InputError(f"~{name} takes away what is needed: set it, or leave it as it is")
    elif _is_new(override, overrides) and not _is_used(config, name):
        raise InputError(f"nothing uses the setting {name!r}: {suggest_setting(name, overrides)}")
    elif name.partition(".")[0] in groups() and (
        not _is_reached(config, name) or _is_of_part_left_out(config, name)
    ):
        raise InputError(f"{name} is set, but nothing in this run uses it")


def _chooses_nothing(override: Override) -> bool:
    none = empty_choice(str(override.key_or_group), [config_directory()])
    return bool(override.is_delete() or override.value() == none)


def _is_new(override: Override, overrides: Sequence[str]) -> bool:
    """Whether a setting is not one of the config's own."""
    if not override.is_force_add():
        return bool(override.is_add())
    chosen = tuple(word for word in overrides if _chooses(parse(word)))
    *above, last = str(override.key_or_group).split(".")
    node = OmegaConf.select(composed_once(chosen), ".".join(above))
    return not (isinstance(node, DictConfig) and last in node)


def _is_used(config: DictConfig, name: str) -> bool:
    """Whether a part is built with an added setting, or another setting refers to it."""
    parts = name.split(".")
    above = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    if any(_is_built(config, one) for one in above):
        return True
    references = set(_references(config))
    return bool(references & {name, *_inside(config, name)}) or (
        parts[0] not in groups() and bool(references & set(above))
    )


def _is_reached(config: DictConfig, name: str) -> bool:
    """Whether what a run builds holds a setting, or leads to it by references."""
    return _holds(_used_nodes(config), name)


def _used_nodes(config: DictConfig) -> set[str]:
    """The names of the nodes that a run builds, and of all that they refer to."""
    plain: Any = OmegaConf.to_container(config, resolve=False)
    ahead = {*_BUILT, *(key for key, value in plain.items() if not isinstance(value, dict))}
    found: set[str] = set()
    while ahead:
        one = ahead.pop()
        found.add(one)
        ahead |= set(_REFERENCE.findall(str(_at(plain, one)))) - found
    return found


def _holds(nodes: set[str], name: str) -> bool:
    """Whether a setting is one of these nodes, inside of one, or around one."""
    return any(f"{name}.".startswith(f"{one}.") or one.startswith(f"{name}.") for one in nodes)


def _is_of_part_left_out(config: DictConfig, name: str) -> bool:
    """Whether it belongs to a penalty that is not chosen, for which the model has numbers."""
    penalty = OmegaConf.select(config, ".".join(name.split(".")[:2]))
    return name.startswith("penalty.") and not _is_built_node(penalty)


def _at(plain: Any, name: str) -> Any:
    for part in name.split("."):
        plain = plain.get(part) if isinstance(plain, dict) else plain
    return plain


def _is_built(config: DictConfig, name: str) -> bool:
    return _is_built_node(OmegaConf.select(config, name))


def _is_built_node(node: Any) -> bool:
    return isinstance(node, DictConfig) and "_target_" in node


def _inside(config: DictConfig, name: str) -> Iterator[str]:
    node = OmegaConf.select(config, name)
    for key in map(str, node) if isinstance(node, DictConfig) else ():
        yield f"{name}.{key}"
        yield from _inside(config, f"{name}.{key}")


def _references(config: DictConfig) -> list[str]:
    return _REFERENCE.findall(OmegaConf.to_yaml(config, resolve=False))


def _is_suspicious(override: Override) -> bool:
    """Whether a value may be of another kind than its setting; counts and paths rarely are."""
    added = override.is_add() or override.is_force_add()
    if added and number_of_all(str(override.key_or_group)) is None:
        return False
    if override.is_delete() or _chooses(override):
        return False
    value = override.value()
    if isinstance(value, int) and not isinstance(value, bool):
        return value < 0
    return isinstance(value, str | float | bool) and "/" not in str(value)


def _chooses(override: Override) -> bool:
    return is_group(str(override.key_or_group)) or override.is_hydra_override()


def _check_kind(config: DictConfig, name: str, usual: Any) -> None:
    value = OmegaConf.select(config, name)
    if isinstance(usual, DictConfig) and value is not None and not _is_part(value):
        raise InputError(f"{name} holds settings: write {name}.{next(map(str, usual), 'x')}=...")
    if not _is_alike(value, usual) and not (name == _TRUTH_OR_COUNT and _is_number(value)):
        raise InputError(f"{name} must be {_kind(usual)}, not {value!r}")
    if isinstance(value, float) and value.is_integer() and _is_number(usual, int):
        OmegaConf.update(config, name, int(value))


def _is_part(value: Any) -> bool:
    return isinstance(value, DictConfig | ListConfig)


def _is_number(value: Any, kind: Any = int | float) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_alike(value: Any, usual: Any) -> bool:
    if isinstance(usual, ListConfig):
        return value is None or isinstance(value, ListConfig)
    if isinstance(usual, bool):
        return value is None or isinstance(value, bool) or value in (0, 1)
    return not (_is_number(usual) and isinstance(value, str | bool))


def _kind(usual: Any) -> str:
    if isinstance(usual, ListConfig):
        return f"a list, such as {list(usual)}"
    return "true or false" if isinstance(usual, bool) else f"a number, such as {usual}"
