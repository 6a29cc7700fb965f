"""The zoo's entries as a table and one by one, for terminals and for pages of the repository."""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from ganzoo.composition.catalogue import GROUPS_OF_PAPERS, Entry, Paper, settings_in
from ganzoo.composition.compose import places_of
from ganzoo.configs import config_directory

if TYPE_CHECKING:  # it imports torch
    from ganzoo.composition.compatibility import Compatibility

BAR = r"\|"
"""A bar inside of a cell of a Markdown table."""


def entry_table(entries: Iterable[Entry]) -> Table:
    """A row for each entry: group, name, what it is, paper."""
    made = Table("group", "name", "what it is", "paper", box=None, pad_edge=False)
    for entry in entries:
        made.add_row(entry.group, entry.name, entry.summary, _first(entry.papers))
    return made


def entry_page(entry: Entry, compatibilities: "Sequence[Compatibility] | None") -> Iterator[str]:
    """All that is known of an entry, line by line.

    Args:
        entry: The entry.
        compatibilities: How it goes with others; None where that was not tried.
    """
    yield f"{entry.group}={entry.name}: {entry.summary}"
    yield ""
    places = places_of(entry.path)
    if places != [entry.group]:
        yield f"chosen    {', '.join(f'{place}={entry.name}' for place in places)}"
    yield from (f"paper     {paper}{_address(paper)}" for paper in entry.papers)
    if entry.target.name:
        yield f"class     {entry.target.module}.{entry.target.name}"
    yield from (f"part      {group}={choice}" for group, choice in entry.parts.items())
    yield from (f"setting   {name}={value}" for name, value in settings_in(entry).items())
    if compatibilities is not None:
        yield from _composes(compatibilities)
    elif entry.path in GROUPS_OF_PAPERS:
        yield "goes with  compatibility=true tries it with all others, which takes about a minute"
    yield ""
    yield entry.documentation


def markdown_tables(entries: Iterable[Entry], page: str) -> str:
    """A table for each group, with links to papers, code and tests.

    Args:
        entries: What is in them.
        page: The file that they stand in, as a path from the root of the repository.
    """
    folder = posixpath.dirname(page) or "."
    return "\n\n".join(
        "\n".join(_markdown_table(group, list(members), folder))
        for group, members in groupby(entries, key=lambda entry: entry.group)
    )


def file_of_tests(entry: Entry) -> Path | None:
    """The file of the repository that tests an entry; None outside the repository.

    It is named after the class's module, or mentions the class. A model that is only a choice of
    parts is trained, as every model, by a test of its own kind.
    """
    package, _, module = entry.module.removeprefix("ganzoo.").rpartition(".")
    folder = config_directory().parent / "tests" / package
    if entry.path == "model" and module != entry.name:
        module = "ring"
    named = folder / f"test_{module}.py"
    mentions = (
        path for path in sorted(folder.glob("*.py")) if entry.target.name in path.read_text()
    )
    return named if named.exists() else next(mentions, None)


def _markdown_table(group: str, entries: list[Entry], folder: str) -> Iterator[str]:
    yield f"| `{group}` | what it is | paper | |"
    yield "|---|---|---|---|"
    for entry in entries:
        paper = _link(entry.papers[0]) if entry.papers else ""
        cells = [f"`{entry.name}`", entry.summary, paper, _files(entry, folder)]
        yield f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def _link(paper: Paper) -> str:
    said = f"{paper.authors} {paper.year}"
    return f"{said}, [{paper.arxiv}](https://arxiv.org/abs/{paper.arxiv})" if paper.arxiv else said


def _address(paper: Paper) -> str:
    return f", https://arxiv.org/abs/{paper.arxiv}" if paper.arxiv else ""


def _files(entry: Entry, folder: str) -> str:
    root = config_directory().parent
    own = entry.module.startswith("ganzoo.")
    code = f"src/{entry.module.replace('.', '/')}.py" if own else None
    test = file_of_tests(entry) if own else None
    links = {"code": code, "test": test.relative_to(root).as_posix() if test else None}
    return ", ".join(
        f"[{name}]({posixpath.relpath(path, folder)})" for name, path in links.items() if path
    )


def _composes(compatibilities: "Sequence[Compatibility]") -> Iterator[str]:
    """What goes with it: a line for each group and kind of data, and one for each refusal."""
    for (group, kind), members in groupby(sorted(compatibilities, key=_place), key=_place):
        here = list(members)
        good = [one.choice for one in here if one.refusal is None]
        said = f"all {len(here)}" if len(good) == len(here) else " ".join(good) or "none"
        yield f"{kind:<9} {group}: {said}"
    for refusal, alike in groupby(sorted(compatibilities, key=_refusal), key=_refusal):
        if refusal:
            choices = ", ".join(f"{one.group}={one.choice} ({one.kind})" for one in alike)
            yield f"not with  {choices}: {refusal}"


def _place(one: "Compatibility") -> tuple[str, str]:
    return one.group, one.kind


def _refusal(one: "Compatibility") -> str:
    return one.refusal or ""


def _first(papers: Sequence[Paper]) -> str:
    return str(papers[0]) if papers else ""
