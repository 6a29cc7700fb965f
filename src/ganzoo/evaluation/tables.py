"""Values as a table in Markdown, which reads well on a terminal too."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganzoo.evaluation.report import Report
from ganzoo.evaluation.result import EvaluationResult, SeedValues, SourceResult

_ARROWS = {"minimize": "↓", "maximize": "↑"}


def value_table(result: EvaluationResult) -> list[str]:
    """Lines of a table: of one source a row for each value, of several a row for each source.

    An arrow says whether a value is better small or large. Of several seeds, mean and standard
    deviation are shown; of a bootstrap with one seed, the interval.
    """
    titles = [f"{name} {_ARROWS.get(result.directions.get(name, ''), '')}".rstrip()
              for name in result.names]  # fmt: skip
    cells = [[_cell(source.values.get(name)) for name in result.names] for source in result.sources]
    if len(cells) == 1:
        return _aligned([("metric", "value"), *zip(titles, cells[0], strict=True)])
    names = shorten([source.name for source in result.sources])
    rows = [
        (name, _step(source), *row)
        for name, source, row in zip(names, result.sources, cells, strict=True)
    ]
    return _aligned([("checkpoint", "step", *titles), *rows])


def markdown(result: EvaluationResult, report: Report) -> str:
    """The table with the protocol below."""
    protocol, counts = report["protocol"], report["protocol"]["counts"]
    lines = ["# Evaluation", "", *value_table(result), ""]
    lines += [f"- generated: {_generated(report['sources'])}, {counts['generated']} samples"]
    lines += [f"- real: {_real(protocol['real'])}, {counts['real']} samples"]
    lines += [f"- seeds: {', '.join(map(str, protocol['seeds']))}"]
    lines += [f"- features {name}: {_settings(one)}" for name, one in protocol["features"].items()]
    lines += [f"- metric {name}: {_settings(one)}" for name, one in protocol["metrics"].items()]
    lines += [f"- left out: {name}: {why}" for name, why in protocol["left_out"].items()]
    lines += [f"- versions: {_settings(report['versions'])}"]
    lines += [f"- device: {report['device']}"]
    lines += [f"- seconds: {report['seconds']:.1f}"]
    return "\n".join(lines) + "\n"


def shorten(paths: Sequence[str]) -> list[str]:
    """Paths from the folder on that they have in common."""
    if len(set(paths)) == 1:
        return [Path(path).name for path in paths]
    common = os.path.commonpath([str(Path(path).parent) for path in paths])
    return [Path(path).relative_to(common).as_posix() for path in paths]


def _cell(value: SeedValues | None) -> str:
    if value is None:
        return ""
    if value.deviation is not None:
        return f"{value.mean:.4g} ± {value.deviation:.2g}"
    if value.intervals:
        low, high = value.intervals[0]
        return f"{value.mean:.4g} [{low:.4g}, {high:.4g}]"
    return f"{value.mean:.4g}"


def _step(source: SourceResult) -> str:
    return "" if source.step is None else str(source.step)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        [cell.rjust(width) if place else cell.ljust(width)
         for place, (cell, width) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    ]  # fmt: skip
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return [f"| {' | '.join(row)} |" for row in (aligned[0], rule, *aligned[1:])]


def _generated(sources: Sequence[Report]) -> str:
    first = sources[0]
    if len(sources) > 1:
        return f"{len(sources)} checkpoints, {first['samples']}"
    if "checkpoint" not in first:
        return str(first["path"])
    made = f"{first['samples']}, {first['weights']} weights"
    return f"{first['checkpoint']} (step {first['step']}, {made})"


def _real(real: Report) -> str:
    if "path" in real:
        return str(real["path"])
    return f"{real['dataset']} ({real['split']})"


def _settings(settings: Report) -> str:
    named = {"metric", "features"}  # these are what the rest belongs to
    return ", ".join(
        _shown(value) if name in named else f"{name} {_shown(value)}"
        for name, value in settings.items()
    )


def _shown(value: Any) -> str:
    return f"({_settings(value)})" if isinstance(value, dict) else str(value)
