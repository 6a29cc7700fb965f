"""The table of sweeps over seeds: ``python -m benchmarks.sweeps FOLDER... --json FILE``.

Reads ``seeds.csv`` and ``sweep.csv`` of sweeps such as ``python -m ganzoo.train -m seed=0,1,2``. A
row is what distinguishes its runs from others, a column a value on a data set.
"""

import argparse
import csv
import re
from pathlib import Path
from typing import Any

from benchmarks.markdown import lines
from benchmarks.tables import add_argument, column, read, write

NOT_SETTINGS = re.compile(r".*_(mean|deviation|n)|runs|finished")
Row = dict[str, str]


def _read(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _settings(row: Row) -> dict[str, str]:
    return {name: value for name, value in row.items() if not NOT_SETTINGS.fullmatch(name)}


def _differing(rows: list[Row]) -> set[str]:
    """The settings that are not the same in all rows."""
    names = {name for row in rows for name in row}
    return {name for name in names if len({row.get(name, "") for row in rows}) > 1}


def values(row: Row, asked: list[str]) -> dict[str, dict[str, float]]:
    """Mean and deviation of the values that were asked for, whatever the number of samples."""
    found = {}
    for name in asked:
        (key,) = (k for k in row if re.fullmatch(rf"metrics/{re.escape(name)}@\d+_mean", k))
        deviation = row[key.removesuffix("mean") + "deviation"]
        found[name] = {"mean": float(row[key]), "deviation": float(deviation)}
    return found


def collect(folders: list[Path], asked: list[str]) -> dict[str, dict[str, Any]]:
    """Rows of all sweeps, under the settings that distinguish them but for the data set."""
    rows = [row for folder in folders for row in _read(folder, "seeds.csv")]
    settings = [_settings(row) for row in rows]
    named = sorted(_differing(settings) - {"dataset"})
    found: dict[str, dict[str, Any]] = {}
    for row, own in zip(rows, settings, strict=True):
        words = " ".join(f"{name}={own[name]}" for name in named if own.get(name))
        cells = values(row, asked).items()
        found.setdefault(f"`{words}`", {}).update({f"{own['dataset']}_{n}": v for n, v in cells})
    return found


def run_of(folders: list[Path]) -> dict[str, Any]:
    """Seeds, and the least and the most seconds of a run."""
    runs = [row for folder in folders for row in _read(folder, "sweep.csv")]
    seconds = [float(row["seconds"]) for row in runs if row["seconds"]]
    seeds = sorted({int(row["seed"]) for row in runs})
    return {"seeds": seeds, "seconds": {"a run": {"least": min(seconds), "most": max(seconds)}}}


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--values", nargs="+", default=["modes", "high_quality"])
    add_argument(parser)
    options = parser.parse_args()
    found = collect(options.folders, options.values)
    before = read(options.json) if options.json and options.json.exists() else {}
    names = list(dict.fromkeys(name for row in found.values() for name in row))
    known = before.get("columns", {})
    table: dict[str, Any] = {
        "title": before.get("title", "A sweep"),
        "head": before.get("head", "settings"),
        "columns": {name: known.get(name, column(name, significant=3)) for name in names},
        "rows": found,
    }
    print("\n".join(lines(table)))
    write(options.json, **table, **run_of(options.folders))


if __name__ == "__main__":
    main()
