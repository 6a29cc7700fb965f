"""Means and deviations over the seeds of a sweep."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

Summary = dict[str, Any]
SEED = "seed"
TERMS = ("discriminator/", "generator/", "monitor/")
"""How the names of values begin that describe the training and not its result."""


def settings_of(summary: Summary) -> dict[str, str]:
    """What a run of a sweep was given on the command line, by name."""
    return dict(item.split("=", 1) for item in summary["overrides"] if "=" in item)


def over_seeds(summaries: Sequence[Summary]) -> list[dict[str, str]]:
    """A row for each combination of settings whose runs differ in their seed alone.

    Args:
        summaries: Of all runs.

    Returns:
        Settings, ``"runs"`` (how many finished), and for each measured value its mean and, of
        several runs, its standard deviation (n - 1), as ``"0.912 ± 0.004"``. Empty where no seed
        was swept.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Summary]] = {}
    for summary in summaries:
        settings = settings_of(summary)
        if SEED not in settings:
            return []
        del settings[SEED]
        groups.setdefault(tuple(settings.items()), []).append(summary)
    return [dict(key) | _row(members) for key, members in groups.items()]


def _row(members: Sequence[Summary]) -> dict[str, str]:
    finished = [member["values"] for member in members if member["status"] == "finished"]
    names = dict.fromkeys(name for values in finished for name in values)
    wanted = [name for name in names if not name.startswith(TERMS)]
    runs = {"runs": f"{len(finished)} of {len(members)}"}
    return runs | {name: _spread([v[name] for v in finished if name in v]) for name in wanted}


def _spread(values: Sequence[float]) -> str:
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    mean = f"{statistics.fmean(known):.3g}"
    return mean if len(known) == 1 else f"{mean} ± {statistics.stdev(known):.2g}"
