"""Values as a table in Markdown, which reads well on a terminal too."""

import os
from collections.abc import Sequence
from pathlib import Path

from ganzoo.evaluation.record import Record, Row
from ganzoo.evaluation.summary import Value

_ARROWS = {"minimize": "↓", "maximize": "↑"}


def table(record: Record) -> list[str]:
    """Lines of a table: of one subject a row for each value, of several a row for each subject.

    An arrow says whether a value is better small or large. Of several seeds, mean and standard
    deviation are shown; of a bootstrap with one seed, the interval.
    """
    titles = [f"{name} {_ARROWS.get(record.directions.get(name, ''), '')}".rstrip()
              for name in record.names]  # fmt: skip
    columns = [[_cell(row.values.get(name)) for name in record.names] for row in record.rows]
    if len(columns) == 1:
        return _lines([("metric", "value"), *zip(titles, columns[0], strict=True)])
    names = shorten([row.name for row in record.rows])
    rows = [
        (name, _step(row), *cells)
        for name, row, cells in zip(names, record.rows, columns, strict=True)
    ]
    return _lines([("checkpoint", "step", *titles), *rows])


def report(record: Record) -> str:
    """The table with the protocol below, as Markdown."""
    protocol, counts = record.content["protocol"], record.content["protocol"]["counts"]
    subjects = record.content["subjects"]
    lines = ["# Evaluation", "", *table(record), ""]
    lines += [f"- generated: {_origin(subjects)}, {counts['generated']} samples"]
    lines += [f"- real: {_real(protocol['real'])}, {counts['real']} samples"]
    lines += [f"- seeds: {', '.join(map(str, protocol['seeds']))}"]
    lines += [f"- features {name}: {_settings(one)}" for name, one in protocol["features"].items()]
    lines += [f"- metric {name}: {_settings(one)}" for name, one in protocol["metrics"].items()]
    lines += [f"- left out: {name}: {why}" for name, why in protocol["left_out"].items()]
    lines += [f"- versions: {_settings(record.content['versions'])}"]
    lines += [f"- device: {record.content['device']}"]
    lines += [f"- seconds: {record.content['seconds']['total']:.1f}"]
    return "\n".join(lines) + "\n"


def shorten(paths: Sequence[str]) -> list[str]:
    """Paths from the folder on that they have in common."""
    if len(set(paths)) == 1:
        return [Path(path).name for path in paths]
    common = os.path.commonpath([str(Path(path).parent) for path in paths])
    return [Path(path).relative_to(common).as_posix() for path in paths]


def _cell(value: Value | None) -> str:
    if value is None:
        return ""
    if value.deviation is not None:
        return f"{value.mean:.4g} ± {value.deviation:.2g}"
    if value.intervals:
        low, high = value.intervals[0]
        return f"{value.mean:.4g} [{low:.4g}, {high:.4g}]"
    return f"{value.mean:.4g}"


def _step(row: Row) -> str:
    return "" if row.step is None else str(row.step)


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        [cell.rjust(width) if place else cell.ljust(width)
         for place, (cell, width) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]  # fmt: skip
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [f"| {' | '.join(row)} |" for row in (aligned[0], rule, *aligned[1:])]


def _origin(subjects: Sequence[dict[str, object]]) -> str:
    first = subjects[0]
    if len(subjects) > 1:
        return f"{len(subjects)} checkpoints"
    if "checkpoint" not in first:
        return str(first["path"])
    return f"{first['checkpoint']} (step {first['step']}, {first['weights']} weights)"


def _real(real: dict[str, object]) -> str:
    if "path" in real:
        return str(real["path"])
    return f"{real['dataset']} ({real['split']})"


def _settings(settings: dict[str, object]) -> str:
    named = {"metric", "features"}  # these are what the rest belongs to
    return ", ".join(
        _shown(value) if name in named else f"{name} {_shown(value)}"
        for name, value in settings.items()
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"({_settings(value)})"
    return str(value)
