"""Tables of results (see ``tables``) as Markdown."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.tables import Table

UNKNOWN = "not recorded"
CELL = re.compile(r"\{([^{}|]+)\|(\w+)\}")
"""In the text of a headline: a row and a column, whose value stands there."""


def section(table: Table) -> str:
    """A table with all that belongs to it."""
    parts = [
        f"### {table['title']}",
        *table.get("about", []),
        "\n".join(["```", *table["commands"], "```"]) if table["commands"] else "",
        provenance(table["run"]),
        "\n".join(lines(table)),
        *table.get("notes", []),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def lines(table: Table) -> list[str]:
    """The lines of a table."""
    columns = table["columns"]
    heads = [table["head"], *(one["title"] for one in columns.values())]
    rules = ["---", *("---" if one.get("text") else "---:" for one in columns.values())]
    cells = [
        [name, *(shown(row[n], one) if n in row else "" for n, one in columns.items())]
        for name, row in table["rows"].items()
    ]
    return [f"| {' | '.join(line)} |" for line in (heads, rules, *cells)]


def headline(table: Table) -> list[str] | None:
    """What, command and result for the README, where the table has such a line."""
    found = table.get("headline")
    if found is None:
        return None

    def cell(match: re.Match[str]) -> str:
        row, name = match.groups()
        return shown(table["rows"][row][name], table["columns"][name])

    return [found["what"], f"`{found['command']}`", CELL.sub(cell, found["result"])]


def shown(value: Any, form: Mapping[str, Any]) -> str:
    """A value as a column shows it."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    unit = " %" if form.get("percent") else f" {form['unit']}" if "unit" in form else ""
    if isinstance(value, list):
        return ", ".join(_number(one, form) for one in value) + unit
    if not isinstance(value, dict):
        return _number(value, form) + unit
    return _spread({name: _number(one, form) for name, one in value.items()}, unit)


def _spread(number: Mapping[str, str], unit: str) -> str:
    if "mean" in number:
        ends = [f"{name} {number[name]}{unit}" for name in ("least", "most") if name in number]
        behind = f" ({', '.join(ends)})" if ends else ""
        return f"{number['mean']} ± {number['deviation']}{unit}{behind}"
    if "median" in number:
        return f"{number['median']}{unit} ({number['least']} to {number['most']})"
    return f"{number['least']} to {number['most']}{unit}"


def _number(value: float, form: Mapping[str, Any]) -> str:
    scaled = 100 * value if form.get("percent") else value
    if "significant" in form:
        return f"{scaled:.{form['significant']}g}"
    return f"{scaled:,.{form.get('digits', 0)}f}"


def _versions(found: Mapping[str, str | None] | None) -> str:
    return ", ".join(f"{name} {version}" for name, version in (found or {}).items() if version)


def _seconds(found: Mapping[str, Any] | None) -> str:
    """Texts such as "10 to 40 a run"."""
    return ", ".join(f"{shown(value, {})} {of}" for of, value in (found or {}).items())


def _listed(found: Sequence[Any] | None) -> str:
    return ", ".join(map(str, found or []))


def _plain(found: Any) -> str:
    return "" if found is None else str(found)


PROVENANCE: dict[str, Callable[[Any], str]] = {
    "processor": _plain,
    "cores": _plain,
    "python": _plain,
    "versions": _versions,
    "commit": _plain,
    "started": _plain,
    "threads": _plain,
    "repetitions": _plain,
    "seeds": _listed,
    "seconds": _seconds,
    "noted": _plain,
}
"""What is said of a run, in this order."""


def provenance(run: Mapping[str, Any]) -> str:
    """What a table was measured on, in one paragraph; what a run lacks does not apply to it."""
    said = {name: text(run[name]) for name, text in PROVENANCE.items() if name in run}
    known = "; ".join(f"{name}: {text}" for name, text in said.items() if text)
    unknown = ", ".join(name for name, text in said.items() if not text)
    return (
        ". ".join([part for part in (known, unknown and f"Not recorded: {unknown}") if part]) + "."
    )
