"""What the command lines of an evaluation and of a projection leave open."""

import argparse
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf

from ganzoo.composition.compose import compose_config, group_choices
from ganzoo.composition.overrides import name_of
from ganzoo.composition.overrides import quoted as _quoted
from ganzoo.composition.settings import check_checkpoint
from ganzoo.configs import config_directory
from ganzoo.errors import InputError, nearest

CONFIG = "evaluate"
PROJECTION = "project"
_SHARED = {
    *("dataset", "metrics", "seed", "cache_dir", "hydra", "logger", "callbacks.on_save_error"),
}
"""What means the same in training; the rest of training's config has no meaning here."""
_OF = {CONFIG: "an evaluation", PROJECTION: "a projection"}
_KEY = re.compile(r"[A-Za-z_]\w*(\.\w+)*", re.ASCII)
_LONGEST_KEY = 200

Settings = Mapping[str, Any]


def completed_command(words: Sequence[str]) -> list[str]:
    """Put what a command line leaves open before what it says.

    That is the data set of a checkpoint, with the settings that it was trained with, and for two
    sets of stored samples what papers measure. What the user says comes later, and so wins.

    Args:
        words: The command line.

    Raises:
        InputError: if a setting is not one of an evaluation, or the checkpoint cannot be read or
            describes its data set in a way that cannot be trusted.
    """
    return _completed(words, CONFIG, _left_open)


def completed_projection(words: Sequence[str]) -> list[str]:
    """Put the data set of a checkpoint before a command line that needs one.

    That is one whose features are those of a classifier of the data set's own classes.

    Args:
        words: The command line.

    Raises:
        InputError: as by :func:`completed_command`.
    """
    return _completed(words, PROJECTION, _data_set_of_features)


def _completed(
    words: Sequence[str],
    config_name: str,
    left_open: Callable[[Settings, Path | None], list[str]],
) -> list[str]:
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    given = _given(overrides)
    if not given:
        return list(words)
    _check_names(given, config_name)
    place = words.index(overrides[0])
    return [*words[:place], *left_open(given, _search_path(words)), *words[place:]]


def _data_set_of_features(given: Settings, search_path: Path | None) -> list[str]:
    named = _names(given.get("metrics.features"))
    if given.get("checkpoint") is None or "classifier" not in named:
        return []
    return _data_set_of(paths_in(given["checkpoint"]), given, search_path)


def _given(overrides: Sequence[str]) -> dict[str, Any]:
    """The settings and their values; nothing where Hydra has something to complain of."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException:
        return {}
    for one in parsed:
        if one.is_sweep_override() and one.key_or_group in ("checkpoint", "fake", "real"):
            several = "write several as [a,b]" if one.key_or_group == "checkpoint" else "give one"
            raise InputError(f"{one.input_line} is no path: {several}")
    return {name_of(one.get_key_element().lstrip("+~")): one.value() for one in parsed}


def _check_names(given: Settings, config_name: str) -> None:
    loaded: Any = OmegaConf.load(config_directory() / f"{config_name}.yaml")
    entries = [one for one in loaded.pop("defaults") if isinstance(one, DictConfig)]
    known = {*map(str, loaded), *(str(key) for entry in entries for key in entry)} | _SHARED
    for name in given:
        first = name.partition(".")[0]
        if not {first, name} & known:
            raise InputError(
                f"{first!r} is no setting of {_OF[config_name]}: {nearest(first, known)}"
            )


def _search_path(words: Sequence[str]) -> Path | None:
    """The user's own folder of configs."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", type=Path)
    folder: Path | None = parser.parse_known_args(list(words))[0].config_dir
    return folder


def _left_open(given: Settings, search_path: Path | None) -> list[str]:
    if given.get("checkpoint") is not None:
        return _data_set_of(paths_in(given["checkpoint"]), given, search_path)
    if given.get("fake") is None or "dataset" in given:
        return []
    if given.get("real") is None:
        raise InputError("fake is compared with real samples: add real=PATH or dataset=NAME")
    if "classifier" in _names(given.get("metrics.features")):
        raise InputError(
            "metrics.features=classifier is trained on a data set: add dataset=NAME, or choose "
            "others"
        )
    defaults = _usual_measures(Path(str(given["fake"])).expanduser())
    return [
        f"{group}={choice}" for group, choice in defaults.items() if name_of(group) not in given
    ]


def _usual_measures(fake: Path) -> dict[str, str]:
    """What papers report: of images on Inception's features, of points on the points."""
    from ganzoo.evaluation.arrays import holds_points

    if holds_points(fake):
        return {"metrics/features": "identity", "metrics": "[wasserstein,prdc]"}
    return {"metrics/features": "inception", "metrics": "quality"}


def _names(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def paths_in(value: Any) -> list[Path]:
    """The paths in a setting that holds one or a list of them."""
    several = isinstance(value, list | ListConfig)
    return [Path(str(one)).expanduser() for one in (value if several else [value])]


def _data_set_of(places: list[Path], given: Settings, search_path: Path | None) -> list[str]:
    """The choice of a checkpoint's data set, and those of its settings that are not the config's.

    A checkpoint may be a stranger's: only plain values and names of trusted classes are taken over.
    """
    for place in places:
        check_checkpoint(place)
    from ganzoo.evaluation.checkpoints import list_checkpoints, read_configuration

    path = list_checkpoints(places)[0]
    described = read_configuration(path)["dataset"]
    name, settings = described["name"], described.get("settings", {})
    chosen, trusted = given.get("dataset"), given.get("trusted") or []
    if chosen is not None and chosen != name:
        return []
    own = [] if search_path is None else [one.stem for one in search_path.glob("dataset/*.yaml")]
    choices = [*group_choices("dataset"), *own]
    if name not in choices:
        raise InputError(
            f"{path} was trained on {name!r}, which is no dataset here: {nearest(name, choices)} "
            f"Add --config-dir FOLDER where dataset/{name}.yaml is your own"
        )
    searched = [] if search_path is None else [f"hydra.searchpath=[{_quoted(str(search_path))}]"]
    config = compose_config([f"dataset={name}", *searched], CONFIG).dataset
    choice = [] if chosen is not None else [f"dataset={name}"]
    return [*choice, *_changed(settings, config, path, _names(trusted))]


def _changed(settings: Any, config: DictConfig, path: Path, trusted: list[str]) -> list[str]:
    from ganzoo.checkpoints.trust import check_configuration

    if type(settings) is not dict or not all(map(_is_key, settings)):
        raise InputError(f"{path} does not describe its data set as ganzoo does: refused")
    known = dict(_written(OmegaConf.to_container(config, resolve=False)))
    changed = {key: value for key, value in settings.items() if not _is_same(known, key, value)}
    for key, value in changed.items():
        check_configuration({key.rpartition(".")[2]: value}, trusted)
    return [f"++dataset.{key}={_word(value)}" for key, value in changed.items()]


def _is_key(key: Any) -> bool:
    """Whether this can be the dotted name of a setting."""
    return type(key) is str and len(key) < _LONGEST_KEY and bool(_KEY.fullmatch(key))


def _is_same(known: Settings, key: str, value: Any) -> bool:
    return key in known and type(known[key]) is type(value) and bool(known[key] == value)


def _written(node: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values in a config under dotted names."""
    for key, value in node.items():
        yield f"{prefix}{key}", value
        if isinstance(value, dict):
            yield from _written(value, f"{prefix}{key}.")


def _word(value: Any) -> str:
    """A value as the command line has it.

    Raises:
        InputError: if it is neither plain nor a list of plain values.
    """
    if isinstance(value, dict):
        raise InputError("the checkpoint sets a part of its data set to no plain value: refused")
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_word, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _quoted(value) if isinstance(value, str) else repr(value)
