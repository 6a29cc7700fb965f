"""Means and deviations over the seeds of a sweep."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ganzoo.composition.left_out import as_written

Summary = dict[str, Any]
SEED = "seed"
MEAN, DEVIATION = "mean", "deviation"
TERMS = ("discriminator/", "generator/", "monitor/")
"""How the names of values begin that describe the training and not its result."""


def settings_of(summary: Summary) -> dict[str, str]:
    """What a run of a sweep was given on the command line, by name."""
    return dict(as_written(item).split("=", 1) for item in summary["overrides"] if "=" in item)


def over_seeds(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """A row for each combination of settings whose runs differ in their seed alone.

    Args:
        summaries: Of all runs.

    Returns:
        Settings, ``"runs"``, ``"finished"`` (how many of them did), and for each measured value
        three numbers: ``NAME_mean``, ``NAME_deviation`` (n - 1; None of a single run) and
        ``NAME_n``, of how many runs: those whose value is finite. Empty where no seed was swept.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Summary]] = {}
    for summary in summaries:
        settings = settings_of(summary)
        if SEED not in settings:
            return []
        del settings[SEED]
        groups.setdefault(tuple(settings.items()), []).append(summary)
    return [dict(key) | _row(members) for key, members in groups.items()]


def readable_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for people: ``"0.912 ± 0.004"`` in place of three numbers."""
    shown = {}
    for name, value in row.items():
        stem, _, last = name.rpartition("_")
        if last == MEAN and f"{stem}_{DEVIATION}" in row:
            shown[stem] = _spread(value, row[f"{stem}_{DEVIATION}"])
        elif f"{stem}_{MEAN}" not in row:
            shown[name] = value
    return shown


def _row(members: Sequence[Summary]) -> dict[str, Any]:
    finished = [member["values"] for member in members if member["status"] == "finished"]
    names = dict.fromkeys(name for values in finished for name in values)
    row: dict[str, Any] = {"runs": len(members), "finished": len(finished)}
    for name in names:
        if not name.startswith(TERMS):
            row |= _statistics(name, [values[name] for values in finished if name in values])
    return row


def _statistics(name: str, values: Sequence[float]) -> dict[str, Any]:
    known = [value for value in values if math.isfinite(value)]
    return {
        f"{name}_{MEAN}": statistics.fmean(known) if known else None,
        f"{name}_{DEVIATION}": statistics.stdev(known) if len(known) > 1 else None,
        f"{name}_n": len(known),
    }


def _spread(mean: float | None, deviation: float | None) -> str:
    if mean is None:
        return ""
    return f"{mean:.3g}" if deviation is None else f"{mean:.3g} ± {deviation:.2g}"
