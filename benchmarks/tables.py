"""Tables of results, as JSON files.

A file holds one table: its ``columns`` and ``rows`` of values, what is to be said before
(``about``) and after it (``notes``), the ``commands`` that make it again, and the ``run`` that it
is of. A value is a number, a text, a list with one value for each seed, or an object:

- ``{"mean": m, "deviation": d}``, where they are known with the ``least`` and the ``most``;
- ``{"median": m, "least": l, "most": h}``, of repetitions;
- ``{"least": l, "most": h}``, a range.

``null`` stands for what was not recorded; what does not apply is left out. Shares lie in [0, 1].
"""

import argparse
import json
import shlex
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import machine

ROOT = Path(__file__).parents[1]
KEPT = ("about", "notes", "headline", "commands")
"""What people write into a file: it stays when the numbers are measured anew."""
STARTED = time.monotonic()
Table = dict[str, Any]


def column(title: str, **form: Any) -> dict[str, Any]:
    """A column.

    Args:
        title: Its head.
        form: ``digits`` after the point, or ``significant`` ones; ``percent``; a ``unit``;
            ``text``, which is not aligned to the right.
    """
    return {"title": title, **form}


def spread(values: Sequence[float], factor: float = 1.0) -> dict[str, float]:
    """The median of repetitions, with the least and the most of them."""
    scaled = [factor * value for value in values]
    return {"median": statistics.median(scaled), "least": min(scaled), "most": max(scaled)}


def read(path: Path) -> Table:
    """The table of a file."""
    found: Table = json.loads(path.read_text(encoding="utf-8"))
    return found


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Let a benchmark write its table."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table into this file")


def write(
    path: Path | None,
    *,
    title: str,
    head: str,
    columns: Mapping[str, dict[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
    **run: Any,
) -> None:
    """Write a table with what it was measured on, keeping what people wrote into the file.

    Args:
        path: The file, or None to write nothing.
        title: Of the table.
        head: Of its first column, which names the rows.
        columns: By name, see :func:`column`.
        rows: By name: the values of columns.
        run: What else there is to say of the run, as ``seeds`` and ``seconds``.
    """
    if path is None:
        return
    before = read(path) if path.exists() else {}
    kept = {name: before[name] for name in KEPT if name in before}
    seconds = {"altogether": round(time.monotonic() - STARTED)}
    measured = {"command": _command(), **machine(ROOT), "seconds": seconds, **run}
    table = {"title": title, "commands": [_command()], **kept, "run": measured}
    table |= {"head": head, "columns": dict(columns), "rows": {n: dict(r) for n, r in rows.items()}}
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _command() -> str:
    spec = sys.modules["__main__"].__spec__
    name = ["-m", spec.name.removesuffix(".__main__")] if spec else sys.argv[:1]
    return shlex.join(["python", *name, *sys.argv[1:]])
