"""Where the config files are, and what they say of a part outside of any run.

This knows the part of Hydra's composition that files of parts need: lists of defaults, packages,
and the choices of ``config.yaml``. Runs are composed by Hydra itself, and a test compares the two.
"""

import re
from collections.abc import Container, Iterator
from functools import cache, reduce
from pathlib import Path
from typing import Any

import ganzoo

Content = dict[str, Any]

BROUGHT = {
    *("dataset", "network", "network.discriminator", "network.encoder", "model", "trainer"),
    *("metrics", "metrics.features", "metrics.evaluator", "experiment"),
}
"""Places that a file knows nothing of unless they are its own: who builds a part fills them."""
BASE = "base"
"""The folder of files that others of a group include, and that nobody chooses."""
_PACKAGE = re.compile(r"# @package (?P<package>\S+)")


def config_directory() -> Path:
    """The folder of config groups: inside an installed package, or the repository's own."""
    package = Path(ganzoo.__file__).resolve().parent
    return next(
        folder for folder in (package / "conf", package.parents[1] / "conf") if folder.is_dir()
    )


@cache
def groups_inside(group: str) -> list[str]:
    """The names of the config groups inside of one, which is chosen without them."""
    folders = (path for path in (config_directory() / group).iterdir() if path.is_dir())
    return sorted(path.name for path in folders if path.name != BASE)


@cache
def register_resolvers() -> None:
    """Let OmegaConf know what configs of parts refer to one another by."""
    from omegaconf import OmegaConf

    for resolver in (without_groups, optimizer_of):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)


def without_groups(group: str, *, _root_: Any) -> Any:
    """The parts of a config group without those of the groups inside of it.

    Numbers that another file has for a part that is not chosen make no part.
    """
    inside, node = groups_inside(group), _plain(_root_[group])
    chosen = {key: part for key, part in node.items() if key not in inside and _is_chosen(part)}
    return _placed(chosen, _root_)


def _is_chosen(part: Any) -> bool:
    return not isinstance(part, dict) or "_target_" in part


def optimizer_of(node: Any, player: str, *, _root_: Any) -> Any:
    """What a player's optimizer is made of: the numbers for all players, then its own.

    Args:
        node: The node of the group ``optimizer``.
        player: Its name.
    """
    inside, settings = groups_inside("optimizer"), _plain(node)
    shared = {key: value for key, value in settings.items()
              if key not in inside and not isinstance(value, dict)}  # fmt: skip
    return _placed(shared | settings.get(player, {}) | {"_partial_": True}, _root_)


def _placed(content: Content, root: Any) -> Any:
    """A config whose references are those of another one."""
    from omegaconf import OmegaConf

    made = OmegaConf.create(content)
    made._set_parent(root)
    return made


@cache
def composed(name: str, beside: str = "") -> Any:
    """A file in its place in a run, with all that it refers to and that a run has anyway.

    Args:
        name: The file, such as ``"penalty/r1"``.
        beside: A file of a group that is brought, such as ``"dataset/base/images"``.

    Returns:
        An OmegaConf config. References to what is not there cannot be resolved.
    """
    from omegaconf import OmegaConf

    register_resolvers()
    choices: dict[str, list[str]] = {}
    files = [file for file in (name, beside) if file]
    own = {_package(file) for file in files}
    parts = [part for file in files for part in _parts(file, None, choices)]
    primary = "theory/config" if name.startswith("theory/") else "config"
    seen: set[str] = set()
    while new := _references(parts) - seen:
        seen |= new
        parts = [*_of_a_run(primary, new, own, choices), *parts]
    return OmegaConf.merge(*parts)


@cache
def part_in(name: str, beside: str, part: str) -> Any:
    """The config of the first part of a name in a file, which knows its place in a run.

    Args:
        name: The file.
        beside: See :func:`composed`.
        part: The last word of its ``_target_``.

    Raises:
        LookupError: if there is none.
    """
    config, group = composed(name, beside), name.split("/")[0]
    place = next(_places(_plain(config[group]), part), None)
    if place is None:
        raise LookupError(f"conf/{name}.yaml has no part {part}")
    return reduce(lambda node, key: node[key], [group, *place], config)


def values_in(config: Any, names: Container[str]) -> Iterator[tuple[str, Any]]:
    """The arguments of these names in a part's config, without those that a run would say."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    for name in filter(names.__contains__, config):
        try:
            value = config[name]
            if OmegaConf.is_config(value):
                value = OmegaConf.to_container(value, resolve=True, throw_on_missing=True)
        except OmegaConfBaseException:
            continue
        if _is_whole(value):
            yield name, value


def _places(node: Any, part: str) -> Iterator[list[str]]:
    """Where in a config parts of a name are, as keys from the outside in."""
    if not isinstance(node, dict):
        return
    target = str(node.get("_target_", ""))
    if target.startswith("ganzoo.") and target.endswith(f".{part}"):
        yield []
    for key, value in node.items():
        yield from ([key, *inner] for inner in _places(value, part))


def _is_whole(value: Any) -> bool:
    """Whether all parts in it say what they are; some files leave that to others."""
    if isinstance(value, dict):
        said = "_target_" in value or "_partial_" not in value
        return said and all(map(_is_whole, value.values()))
    return not isinstance(value, list) or all(map(_is_whole, value))


def _plain(config: Any) -> Any:
    from omegaconf import OmegaConf  # late: importing a part stays as fast as it was

    return OmegaConf.to_container(config)


def _references(parts: list[Content]) -> set[str]:
    return {
        root
        for part in parts
        for root in re.findall(r"\$\{(?:without_groups:)?(\w+)[.}]", str(part))
    }


def _of_a_run(
    primary: str, roots: set[str], own: set[str], choices: dict[str, list[str]]
) -> Iterator[Content]:
    """What a run has under the names of these roots, own places left out, if nobody changes it."""
    body, chosen = _file(primary)
    for root in roots:
        if root in body and "${hydra:" not in str(body[root]):
            yield {root: body[root]}
    for place, usual in map(_choice, chosen):
        if place.split(".")[0] not in roots or place in BROUGHT | own:
            continue
        for file in choices.get(place, usual):
            usually = file.rpartition("/")[0].replace("/", ".") == place
            yield from _parts(file, None if usually else place, choices)


def _choice(entry: Any) -> tuple[str, list[str]]:
    """Where a choice of a list of defaults goes, and the files that are chosen."""
    if isinstance(entry, str):
        return "", []
    ((key, choice),) = entry.items()
    group, _, package = key.removeprefix("override ").strip().removeprefix("/").partition("@")
    place = (package or group.replace("/", ".")).removeprefix("_global_.")
    chosen = choice if isinstance(choice, list) else [choice]
    return place, [f"{group}/{one}" for one in chosen if isinstance(one, str)]


def _parts(name: str, package: str | None, choices: dict[str, list[str]]) -> Iterator[Content]:
    """The contents of a file and of those that it includes, in the order in which they count."""
    body, entries = _file(name)
    group = name.rpartition("/")[0]
    here = _package(name) if package is None else package
    for place, files in map(_choice, filter(_overrides, entries)):
        choices.setdefault(place, files)  # of who includes whom, the outer one decides
    for entry in entries if "_self_" in entries else [*entries, "_self_"]:
        if entry == "_self_":
            yield _nested(here, body)
        elif not _overrides(entry):
            yield from _parts(*_included(entry, group, here), choices)


def _package(name: str) -> str:
    """The place of a file's content: what its first line says, or its folder."""
    said = _PACKAGE.match(_text(name))
    if said:
        return said["package"].removeprefix("_global_")
    return ".".join(folder for folder in name.split("/")[:-1] if folder != BASE)


def _overrides(entry: Any) -> bool:
    return isinstance(entry, dict) and next(iter(entry)).startswith("override ")


def _included(entry: Any, group: str, here: str) -> tuple[str, str | None]:
    """The file that an entry of a list of defaults names, and its package where that is said."""
    if isinstance(entry, str):
        written, _, package = entry.partition("@")
    else:
        ((key, choice),) = entry.items()
        written, _, package = key.partition("@")
        written = f"{written}/{choice}"
    absolute = written.startswith("/")
    file = written[1:] if absolute else f"{group}/{written}".lstrip("/")
    if not package:
        beside = not absolute and "/" not in written
        return file, here if beside and here else None
    if package.startswith("_global_"):
        return file, package.removeprefix("_global_").removeprefix(".")
    inside = package.removeprefix("_here_").removeprefix(".")
    return file, ".".join(filter(None, [here, inside]))


def _nested(package: str, body: Content) -> Content:
    for key in reversed(package.split(".") if package else []):
        body = {key: body}
    return body


@cache
def _text(name: str) -> str:
    return (config_directory() / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def _file(name: str) -> tuple[Content, list[Any]]:
    """What a file says itself, and its list of defaults."""
    from omegaconf import OmegaConf

    loaded = _plain(OmegaConf.create(_text(name)))
    return loaded, loaded.pop("defaults", [])
