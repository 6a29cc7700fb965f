"""What the zoo holds: an entry for each choice of each config group, and its facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ganzoo.composition.compose import all_groups, group_choices
from ganzoo.composition.docstrings import Documented, look_up
from ganzoo.composition.overrides import name_of
from ganzoo.configs import config_directory

GROUPS_OF_PAPERS = (
    "model", "loss", "penalty", "augment", "augment/replay", "network", "network/normalization",
    "network/batch_statistics", "network/conditioning", "optimizer", "optimizer/update_rule",
    "optimizer/lookahead", "optimizer/ema",
)  # fmt: skip
"""Config groups whose choices come from papers, in the order of the table."""

Facts = dict[str, Any]


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes:
        authors: Family names, or the first one's and "et al.".
        year: Of its publication.
        arxiv: Its identifier, as 1406.2661; None where it is not there.
    """

    authors: str
    year: int
    arxiv: str | None = None

    def __str__(self) -> str:
        return f"{self.authors} {self.year}" + (f", arXiv {self.arxiv}" if self.arxiv else "")


@dataclass(frozen=True)
class Entry:
    """One choice of one config group.

    Attributes:
        path: The path of the config group, as ``optimizer/ema``.
        name: The choice.
    """

    path: str
    name: str

    @property
    def group(self) -> str:
        """The dotted name of the config group."""
        return name_of(self.path)

    @cached_property
    def facts(self) -> Facts:
        """What ``conf/about.yaml`` says of it."""
        return about().get(self.path, {}).get(self.name, {})

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        return str(self.facts.get("summary", ""))

    @property
    def papers(self) -> list[Paper]:
        """The papers that it comes from, the first one named first."""
        return [Paper(**paper) for paper in self.facts.get("papers", [])]

    @cached_property
    def config(self) -> DictConfig:
        """The file itself, without what it takes from others."""
        return _load(self._file(self.name))

    @cached_property
    def target(self) -> Documented:
        """The class that it builds; without a name where it only chooses or sets others."""
        name = self._target_name
        return look_up(name) if name else Documented("", "", "")

    @cached_property
    def _target_name(self) -> str:
        places = [node for config in self.chain for node in (config, _node(config, self._key))]
        places += [_first(config) for config in self.chain]
        for node in places:
            if isinstance(node, DictConfig) and _node(node, "_target_") is not None:
                return str(node._target_)
        return ""

    @property
    def _key(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def comments(self) -> list[str]:
        """The lines at the top of the file."""
        lines = self._file(self.name).read_text(encoding="utf-8").splitlines()
        top = takewhile(lambda line: line.startswith("#"), lines)
        return [line[2:] for line in top if "@package" not in line]

    @property
    def documentation(self) -> str:
        """The docstring of its class."""
        return self.target.documentation

    @property
    def module(self) -> str:
        """The module that holds its algorithm."""
        own = self._target_name.startswith("ganzoo.")
        return self.target.module if own else self._target_name.rpartition(".")[0]

    @property
    def parts(self) -> dict[str, str]:
        """What it chooses in other groups."""
        chosen: dict[str, str] = {}
        for config in reversed(self.chain):
            for entry in _plain(config).get("defaults", []):
                if isinstance(entry, dict):
                    chosen |= {_place(key): choice for key, choice in entry.items()}
        return {place: str(choice) for place, choice in chosen.items()
                if choice is not None and "$" not in str(choice)}  # fmt: skip

    def _bases(self) -> list["Entry"]:
        """The files of the same group that it starts from, the nearest first."""
        defaults = _plain(self.config).get("defaults", [])
        named = [entry.partition("@")[::2] for entry in defaults if isinstance(entry, str)]
        here = {"", "_here_", "_global_", self.name}
        own = [Entry(self.path, name) for name, place in named
               if place in here and self._file(name).exists()]  # fmt: skip
        return own + [base for entry in own for base in entry._bases()]

    @property
    def chain(self) -> list[DictConfig]:
        """The file itself and those it starts from, the nearest first."""
        return [self.config, *(base.config for base in self._bases())]

    def _file(self, name: str) -> Path:
        return config_directory() / self.path / f"{name}.yaml"


@cache
def about() -> dict[str, dict[str, Facts]]:
    """The facts of all choices, by the paths of their groups and their names."""
    facts: Any = OmegaConf.to_container(OmegaConf.load(config_directory() / "about.yaml"))
    return facts  # type: ignore[no-any-return]


def entries_of_papers() -> list[Entry]:
    """The entries of the table, group by group; choices that choose nothing are left out."""
    return [*_entries_of(GROUPS_OF_PAPERS)]


def all_entries() -> list[Entry]:
    """All choices of all groups, those that come from papers first."""
    return [
        *entries_of_papers(),
        *_entries_of([group for group in all_groups() if group not in GROUPS_OF_PAPERS]),
    ]


def settings_in(entry: Entry) -> dict[str, Any]:
    """The numbers and words that an entry sets, by their dotted names, those it starts from first.

    What it takes from elsewhere in a config is left out.
    """
    return {
        name: value for config in reversed(entry.chain) for name, value in _settings(config, "")
    }


def _entries_of(paths: Any) -> Iterator[Entry]:
    found = (Entry(path, name) for path in paths for name in group_choices(path))
    return (entry for entry in found if entry.name != "none")


@cache
def _load(path: Path) -> DictConfig:
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    return config


def _plain(config: DictConfig) -> dict[str, Any]:
    return OmegaConf.to_container(config, resolve=False)  # type: ignore[return-value]


def _settings(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(node, DictConfig):
        yield prefix.rstrip("."), node
        return
    for key in map(str, node):
        if key in {"defaults", "_target_", "_partial_"}:
            continue
        if not OmegaConf.is_interpolation(node, key) and not OmegaConf.is_missing(node, key):
            yield from _settings(node[key], f"{prefix}{key}.")


def _first(config: DictConfig) -> Any:
    keys = [key for key in config if key != "defaults"]
    return _node(config, str(keys[0])) if keys else None


def _node(config: DictConfig, key: str) -> Any:
    """What a file itself says under a key, and not what it takes from elsewhere."""
    return None if OmegaConf.is_interpolation(config, key) else config.get(key)


def _place(key: object) -> str:
    """Where something is chosen; what is brought along inside of a model is of its own group."""
    named = str(key).removeprefix("override ").lstrip("/")
    group = named.partition("@")[0]
    return name_of(named) if "/" in group else group
