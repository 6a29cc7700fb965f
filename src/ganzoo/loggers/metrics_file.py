"""Measurements as rows of a table on disk, which a resumed run continues."""

import csv
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.saving import SaveErrorPolicy

Row = dict[str, Any]


@defaults_from("logger/csv")
class MetricsFile(Logger):
    """Writes ``metrics.csv``: a column for each name, a row for each time something is logged.

    Lightning's ``CSVLogger`` deletes the file of a folder that is there already. This one keeps
    the rows up to the step from which a run goes on, so that a run that was stopped and one that
    was not leave the same file. New columns rewrite the file aside, so that a kill loses no row
    that a checkpoint relies on.

    Args:
        folder: Where the file is.
        on_save_error: What happens when it cannot be written.
    """

    def __init__(self, *, folder: str | Path, on_save_error: SaveErrorPolicy = FROM_CONFIG) -> None:
        super().__init__()
        self.path = Path(folder) / "metrics.csv"
        self.on_save_error = on_save_error
        self._columns: list[str] = []
        self._waiting: list[Row] = []

    @property
    def name(self) -> str:
        """Part of the path of checkpoints in Lightning; nothing here."""
        return ""

    @property
    def version(self) -> str:
        """Part of the path of checkpoints in Lightning; nothing here."""
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **named: Any) -> None:
        """Do nothing: config.yaml lies beside the file."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row, to be written by the next ``save``."""
        self._waiting.append({**metrics, "step": step})

    @rank_zero_only
    def save(self) -> None:
        """Write the rows that wait."""
        if not self._waiting:
            return
        with self.on_save_error.caught(self.path):
            self._write()
            self._waiting = []

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what still waits."""
        self.save()

    @rank_zero_only
    def resume(self, step: int) -> None:
        """Keep the rows up to a step of those that an earlier process has left."""
        if not self.path.exists():
            return
        with self.on_save_error.caught(self.path):
            rows = [row for row in self._read() if float(row["step"]) <= step]
            self._columns = sorted({name for row in rows for name, value in row.items() if value})
            self._rewrite(rows)

    def _write(self) -> None:
        names = {name for row in self._waiting for name in row}
        if names <= set(self._columns) and self.path.exists():
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self._columns).writerows(self._waiting)
            return
        earlier = self._read() if self.path.exists() and self._columns else []
        self._columns = sorted(names | set(self._columns))
        self._rewrite([*earlier, *self._waiting])

    def _read(self) -> list[Row]:
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = lines if not lines or lines[-1].endswith("\n") else lines[:-1]  # killed in a line
        return list(csv.DictReader(whole))

    def _rewrite(self, rows: list[Row]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with aside.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self._columns, extrasaction="ignore")
                writer.writeheader()
                writer.writerows(rows)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)
