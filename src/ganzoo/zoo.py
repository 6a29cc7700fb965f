"""Show what the zoo holds: ``python -m ganzoo.zoo``, ``python -m ganzoo.zoo wgan_gp``."""

import sys
from collections.abc import Sequence

from rich.console import Console

from ganzoo.composition.catalogue import GROUPS, Entry, entries
from ganzoo.composition.compatibility import fits_of
from ganzoo.composition.showcase import markdown, page, table
from ganzoo.errors import InputError, nearest

USAGE = """\
python -m ganzoo.zoo                 all entries
python -m ganzoo.zoo group=penalty   those of a group
python -m ganzoo.zoo kernel 2017     those that mention all of the words
python -m ganzoo.zoo wgan_gp         one entry: paper, algorithm, parts, settings, what goes with it
python -m ganzoo.zoo format=markdown the tables of the README"""


def choose(words: Sequence[str]) -> list[Entry]:
    """The entries that fit all words.

    Args:
        words: Names of entries, ``group=NAME``, or words that an entry mentions.

    Raises:
        InputError: if a group is unknown, or nothing fits.
    """
    found = entries()
    for word in words:
        fitting = [entry for entry in found if _fits(entry, word)]
        named = [entry for entry in fitting if entry.name == word]
        found = named or fitting
    if not found:
        names = [entry.name for entry in entries()]
        raise InputError(
            f"nothing in the zoo fits {' '.join(words)!r}: {nearest(words[-1], names)}"
        )
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Entry point of the command line."""
    given = list(sys.argv[1:] if words is None else words)
    if {"-h", "--help"} & set(given):
        print(USAGE)
        return
    try:
        _show(given)
    except InputError as error:
        print(f"ganzoo: {error}", file=sys.stderr)
        sys.exit(1)


def _show(words: list[str]) -> None:
    wanted = [word for word in words if word != "format=markdown"]
    found = choose(wanted)
    if wanted != words:
        print(markdown(found))
    elif wanted and all(entry.name in wanted for entry in found):
        print("\n\n".join("\n".join(page(entry, fits_of(entry))) for entry in found))
    else:
        console = Console()
        width = max(console.width, 100) if console.is_terminal else 200
        Console(width=width, highlight=False).print(table(found))


def _fits(entry: Entry, word: str) -> bool:
    key, _, value = word.rpartition("=")
    if not key:
        text = " ".join([entry.group, entry.name, entry.summary, *map(str, entry.citations)])
        return word.lower() in text.lower()
    if key != "group":
        raise InputError(f"unknown setting {key!r}: the settings are group= and format=markdown")
    if value not in GROUPS:
        raise InputError(f"unknown group {value!r}: {nearest(value, GROUPS)}")
    return entry.group == value


if __name__ == "__main__":
    main()
