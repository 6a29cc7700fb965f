"""Show what the zoo holds: ``python -m ganzoo.zoo``, ``python -m ganzoo.zoo wgan_gp``."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from ganzoo.composition.catalogue import GROUPS_OF_PAPERS, Entry, all_entries, entries_of_papers
from ganzoo.composition.compose import all_groups
from ganzoo.composition.console import ending_quietly, exit_with, print_version
from ganzoo.composition.overrides import name_of
from ganzoo.composition.zoo_pages import entry_page, entry_table, markdown_tables
from ganzoo.errors import InputError, nearest

if TYPE_CHECKING:
    from ganzoo.composition.compatibility import Compatibility

MARKDOWN = "format=markdown"
README = "README.md"
COMPATIBILITY = "compatibility=true"
PAGE = "page="
"""Names the file that tables are for."""
USAGE = """\
python -m ganzoo.zoo                 all entries
python -m ganzoo.zoo group=penalty   those of a group
python -m ganzoo.zoo kernel 2017     those that mention all of the words, of all config groups
python -m ganzoo.zoo wgan_gp         one entry: paper, algorithm, parts, settings
python -m ganzoo.zoo wgan_gp compatibility=true   and what goes with it (takes a minute)
python -m ganzoo.zoo group=model format=markdown  the README's table
python -m ganzoo.zoo format=markdown page=docs/parts.md   those of a page, with links from there"""


def entries_that_fit(words: Sequence[str]) -> list[Entry]:
    """The entries that fit all words.

    Args:
        words: Names of entries, ``group=NAME``, or words that an entry mentions.

    Raises:
        InputError: if a group is unknown, or nothing fits.
    """
    found = all_entries() if words else entries_of_papers()
    for word in words:
        fitting = [entry for entry in found if _fits(entry, word)]
        named = [entry for entry in fitting if entry.name == word]
        found = named or fitting
    if not found:
        names = [entry.name for entry in all_entries()]
        raise InputError(
            f"nothing in the zoo fits {' '.join(words)!r}: {nearest(words[-1], names)}"
        )
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    given = list(sys.argv[1:] if words is None else words)
    with ending_quietly():
        if {"-h", "--help"} & set(given):
            print(USAGE)
        elif "--version" in given:
            print_version()
        else:
            try:
                _show(given)
            except InputError as error:
                exit_with(str(error))


def _show(words: list[str]) -> None:
    pages = [word for word in words if word.startswith(PAGE) and MARKDOWN in words]
    wanted = [word for word in words if word not in (MARKDOWN, COMPATIBILITY, *pages)]
    found = entries_that_fit(wanted)
    if MARKDOWN in words:
        print(markdown_tables(found, [README, *pages][-1].removeprefix(PAGE)))
    elif COMPATIBILITY in words or (wanted and all(entry.name in wanted for entry in found)):
        for entry in found:
            print(
                "\n".join(
                    entry_page(
                        entry, _compatibilities_of(entry) if COMPATIBILITY in words else None
                    )
                )
            )
    else:
        terminal = Console()
        width = max(terminal.width, 100) if terminal.is_terminal else 200
        Console(width=width, highlight=False).print(entry_table(found))


def _compatibilities_of(entry: Entry) -> "list[Compatibility]":
    from ganzoo.composition.compatibility import compatibilities_of

    if entry.path not in GROUPS_OF_PAPERS:
        raise InputError(f"{entry.group}={entry.name} is not tried with others: it sets many")
    return compatibilities_of(entry)


def _fits(entry: Entry, word: str) -> bool:
    key, _, value = word.rpartition("=")
    if not key:
        said = [entry.summary, *map(str, entry.papers)]
        text = " ".join([entry.group, entry.name, *entry.comments, *said])
        return word.lower() in text.lower()
    if key != "group":
        raise InputError(
            f"unknown setting {key!r}: the settings are group=, {MARKDOWN} (with {PAGE}FILE) and "
            f"{COMPATIBILITY}"
        )
    known = list(map(name_of, all_groups()))
    if name_of(value) not in known:
        raise InputError(f"unknown group {value!r}: {nearest(value, known)}")
    return entry.group == name_of(value)


if __name__ == "__main__":
    main()
