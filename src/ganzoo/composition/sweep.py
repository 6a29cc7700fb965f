"""One table for all runs of a sweep."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ganzoo.composition.folder import SUMMARY
from ganzoo.composition.seeds import TERMS, Summary, over_seeds, readable_row, settings_of

Row = Mapping[str, Any]


class SweepTable(Callback):
    """Gathers the summaries of a sweep's runs when the sweep ends.

    Each run writes its summary in its own folder, so it does not matter in which process or on
    which machine it ran. Hydra calls this; see ``conf/config.yaml``.
    """

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write ``sweep.csv``, and ``seeds.csv`` where seeds were swept, and print them."""
        folder = Path(config.hydra.sweep.dir)
        paths = sorted(folder.glob(f"**/{SUMMARY}"), key=_job_number)
        summaries = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        if not summaries:
            _take_back(folder)
            return
        rows = _rows(summaries)
        _publish(rows, [_in_words(row) for row in rows], folder / "sweep.csv")
        seeds = over_seeds(summaries)
        if len(seeds) < len(summaries):
            _publish(seeds, [readable_row(row) for row in seeds], folder / "seeds.csv")


def _take_back(folder: Path) -> None:
    """Remove a sweep of dry runs, which leave nothing."""
    (folder / "multirun.yaml").unlink(missing_ok=True)
    for left in (folder, *folder.parents[:2]):
        if left.is_dir() and not any(left.iterdir()):
            left.rmdir()


def _job_number(path: Path) -> tuple[int, str]:
    name = path.parent.name
    return (int(name) if name.isdigit() else 0, str(path))


def _rows(summaries: Sequence[Summary]) -> list[dict[str, Any]]:
    """Settings, then what was measured, as numbers, then how it went; None where it is missing."""
    settings = [settings_of(summary) for summary in summaries]
    given = dict.fromkeys(name for each in settings for name in each)
    measured = dict.fromkeys(name for summary in summaries for name in summary["values"])
    return [
        dict(given)
        | own
        | dict(measured)
        | summary["values"]
        | {name: summary[name] for name in ("seconds", "status", "path")}
        for own, summary in zip(settings, summaries, strict=True)
    ]


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {n: f"{v:.5g}" if isinstance(v, float) else v for n, v in row.items() if n != "path"}
    return {name: value for name, value in shown.items() if not name.startswith(TERMS)}


def _publish(rows: Sequence[Row], shown: Sequence[Row], path: Path) -> None:
    if not rows:
        return
    write_table(rows, path)
    print_table(shown)
    print(f"table       {path}")


def write_table(rows: Sequence[Row], path: Path) -> Path:
    """Write rows as CSV, with empty cells for what a row does not have."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, dict.fromkeys(name for row in rows for name in row))
        writer.writeheader()
        writer.writerows(rows)
    return path


def print_table(rows: Sequence[Row], widest_column: int | None = None) -> None:
    """Print rows as wide as they are.

    Args:
        rows: What to print, by column.
        widest_column: Characters at which a column's text goes on in the next line.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(box=box.SIMPLE)
    for name in columns:
        table.add_column(name.removeprefix("metrics/"), max_width=widest_column)
    for row in rows:
        cells = (row.get(name) for name in columns)
        table.add_row(*("" if cell is None else Text(str(cell)) for cell in cells))
    widest = Console(width=10_000).measure(table).maximum  # a log file has no width of its own
    Console(width=widest).print(table)
