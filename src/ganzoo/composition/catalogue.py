"""What the zoo holds: an entry for each config of a part that has a source, and its facts."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.citations import Citation, find_citations, without_citations
from ganzoo.composition.compose import config_directory, group_choices

GROUPS = (
    "model", "loss", "penalty", "augment", "replay", "batch_statistics", "normalization",
    "network", "conditioning", "optimizer", "updates", "lookahead", "ema",
)  # fmt: skip
"""Config groups whose choices come from papers, in the order of the table."""


@dataclass(frozen=True)
class Entry:
    """One choice of one config group.

    Attributes:
        group: The config group.
        name: The choice.
    """

    group: str
    name: str

    @cached_property
    def config(self) -> DictConfig:
        """The file itself, without what it takes from others."""
        config = OmegaConf.load(self._path(self.name))
        assert isinstance(config, DictConfig)
        return config

    @cached_property
    def target(self) -> type:
        """The class that it builds."""
        chain = self.chain
        places = [node for config in chain for node in (config, _node(config, self.group))]
        places += [_first(config) for config in chain]
        for node in places:
            if isinstance(node, DictConfig) and _node(node, "_target_") is not None:
                return get_class(node._target_)
        raise LookupError(f"{self.group}/{self.name}.yaml builds nothing")

    @cached_property
    def targets(self) -> list[type]:
        """The class that it builds, and those of ganzoo that it hands to it."""
        names = [name for config in self.chain for name in _target_names(config)]
        found = [get_class(name) for name in names if name.rpartition(".")[2][:1].isupper()]
        return list(dict.fromkeys([self.target, *found]))

    @property
    def comments(self) -> list[str]:
        """The lines at the top of the file, where it says what it is."""
        lines = self._path(self.name).read_text().splitlines()
        top = takewhile(lambda line: line.startswith("#"), lines)
        return [line[2:] for line in top if "@package" not in line]

    @property
    def documentation(self) -> str:
        """The docstring of its class."""
        return inspect.getdoc(self.target) or ""

    @property
    def summary(self) -> str:
        """What it is, in a line: as its file says first, or else its class."""
        said = [*self.comments, *self.documentation.splitlines()][0]
        return without_citations(said).rstrip(".:")

    @cached_property
    def citations(self) -> list[Citation]:
        """The papers that it comes from, the first one named first."""
        module = inspect.getdoc(inspect.getmodule(self.target)) or ""
        parts = [inspect.getdoc(target) or "" for target in self.targets]
        own = [*find_citations(" ".join(self.comments)), *find_citations(self.documentation)]
        found = own or [citation for text in (*parts, module) for citation in find_citations(text)]
        first: dict[str, Citation] = {}
        for citation in found:
            first.setdefault(citation.arxiv, citation)
        return list(first.values())

    @property
    def module(self) -> str:
        """The module that holds its algorithm."""
        return self.target.__module__

    @property
    def parts(self) -> dict[str, str]:
        """What it chooses in other groups."""
        chosen: dict[str, str] = {}
        for config in reversed(self.chain):
            for entry in config.get("defaults", []):
                if isinstance(entry, DictConfig):
                    chosen |= {_group(key): str(value) for key, value in entry.items()}
        return chosen

    def _bases(self) -> list["Entry"]:
        """The files of the same group that it starts from, the nearest first."""
        defaults = self.config.get("defaults", [])
        names = [entry.partition("@")[0] for entry in defaults if isinstance(entry, str)]
        own = [Entry(self.group, name) for name in names if self._path(name).exists()]
        return own + [base for entry in own for base in entry._bases()]

    @property
    def chain(self) -> list[DictConfig]:
        """The file itself and those it starts from, the nearest first."""
        return [self.config, *(base.config for base in self._bases())]

    def _path(self, name: str) -> Path:
        return config_directory() / self.group / f"{name}.yaml"


def entries() -> list[Entry]:
    """All entries, group by group; choices that choose nothing are left out."""
    found = (Entry(group, name) for group in GROUPS for name in group_choices(group))
    return [entry for entry in found if entry.name != "none"]


def settings(entry: Entry) -> dict[str, Any]:
    """The numbers and words that an entry sets, by their dotted names, those it starts from first.

    What it takes from elsewhere in a config is left out.
    """
    return {
        name: value for config in reversed(entry.chain) for name, value in _settings(config, "")
    }


def _settings(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, DictConfig):
        yield prefix.rstrip("."), node
        return
    for key in map(str, node):
        if key in {"defaults", "_target_", "_partial_"}:
            continue
        if not OmegaConf.is_interpolation(node, key):
            yield from _settings(node[key], f"{prefix}{key}.")


def _target_names(node: Any) -> Iterator[str]:
    if isinstance(node, DictConfig):
        if _node(node, "_target_") is not None:
            yield node._target_
        for key in map(str, node):
            if not OmegaConf.is_interpolation(node, key):
                yield from _target_names(node[key])


def _first(config: DictConfig) -> Any:
    keys = [key for key in config if key != "defaults"]
    return _node(config, str(keys[0])) if keys else None


def _node(config: DictConfig, key: str) -> Any:
    """What a file itself says under a key, and not what it takes from elsewhere."""
    return None if OmegaConf.is_interpolation(config, key) else config.get(key)


def _group(key: object) -> str:
    return str(key).removeprefix("override ").lstrip("/").partition("@_global_")[0]
