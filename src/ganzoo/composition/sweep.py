"""One table for all runs of a sweep."""

import csv
import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ganzoo.composition.folder import SUMMARY
from ganzoo.composition.seeds import TERMS, over_seeds, settings_of


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
        _publish([_row(summary) for summary in summaries], folder / "sweep.csv")
        seeds = over_seeds(summaries)
        if len(seeds) < len(summaries):
            _publish(seeds, folder / "seeds.csv")


def _take_back(folder: Path) -> None:
    """Remove a sweep of dry runs, which leave nothing."""
    (folder / "multirun.yaml").unlink(missing_ok=True)
    for left in (folder, *folder.parents[:2]):
        if left.is_dir() and not any(left.iterdir()):
            left.rmdir()


def _job_number(path: Path) -> tuple[int, str]:
    name = path.parent.name
    return (int(name) if name.isdigit() else 0, str(path))


def _row(summary: dict[str, Any]) -> dict[str, Any]:
    settings = settings_of(summary)
    values = {name: f"{value:.5g}" for name, value in summary["values"].items()}
    rest = {"seconds": f"{summary['seconds']:.1f}", "status": summary["status"]}
    return settings | values | rest | {"path": summary["path"]}


def _publish(rows: list[dict[str, Any]], path: Path) -> None:
    if not rows:
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    _print(rows, columns)
    print(f"table       {path}")


def _print(rows: list[dict[str, Any]], columns: list[str]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = [name for name in columns if name != "path" and not name.startswith(TERMS)]
    table = Table(*(name.removeprefix("metrics/") for name in shown), box=box.SIMPLE)
    for row in rows:
        table.add_row(*(escape(str(row.get(name, ""))) for name in shown))
    widest = Console(width=10_000).measure(table).maximum  # a log file has no width of its own
    Console(width=widest).print(table)
