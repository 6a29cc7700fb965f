"""What a run says when it ends."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_LINES = 60
"""Lines of a long report that are shown; the file has the rest."""

Measurements = Sequence[Mapping[str, float]]


def best_and_last(history: Measurements, directions: Mapping[str, str]) -> list[str]:
    """Lines that show the best and the last value of everything that was measured.

    Args:
        history: Values and their ``step``, in order.
        directions: For each name that can be best, ``"minimize"`` or ``"maximize"``.
    """
    if not history:
        return []
    names = [name for name in history[-1] if name != "step"]
    rows = [("", "best", "at step", "last")]
    for name in sorted(names):
        best, step = _best(history, name, directions.get(name))
        rows.append((name, best, step, f"{history[-1][name]:.4g}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [_aligned(row, widths) for row in rows]


def first_lines_of(path: Path) -> list[str]:
    """The first lines of a report on disk, of the newest where several were appended."""
    heading = "FIT Profiler Report"
    text = path.read_text(encoding="utf-8")
    lines = f"{heading}{text.rpartition(heading)[2]}".splitlines()
    more = len(lines) - _LINES
    return lines if more <= 0 else [*lines[:_LINES], f"... {more} more lines in {path}"]


def _best(history: Measurements, name: str, direction: str | None) -> tuple[str, str]:
    found = [entry for entry in history if math.isfinite(entry.get(name, math.nan))]
    if direction is None or not found:
        return "", ""
    choose = {"minimize": min, "maximize": max}[direction]
    best = choose(found, key=lambda entry: entry[name])
    return f"{best[name]:.4g}", f"{best['step']:.0f}"


def _aligned(row: Iterable[str], widths: Sequence[int]) -> str:
    name, *values = (cell for cell in row)
    cells = [value.rjust(width + 2) for value, width in zip(values, widths[1:], strict=True)]
    return name.ljust(widths[0]) + "".join(cells)
