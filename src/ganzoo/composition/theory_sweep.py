"""One table and one sheet of phase portraits for all analyses of a sweep."""

import json
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ganzoo.composition.sweep import print_table, write_table
from ganzoo.composition.theory import command_of

SUMMARY = "analysis.json"
_COLUMNS = 4
_WIDEST = 40  # column of the printed table, in characters


class VerdictTable(Callback):
    """Gathers what the jobs of ``python -m ganzoo.theory -m ...`` found when the last one ends.

    Hydra calls this; see ``conf/theory/config.yaml``.
    """

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take away what an earlier sweep left in the same folder."""
        for path in Path(config.hydra.sweep.dir).glob(f"*/{SUMMARY}"):
            path.unlink()

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Write ``verdicts.csv`` and ``portraits.png``, and print the table."""
        folder = Path(config.hydra.sweep.dir)
        paths = [path for path in folder.glob(f"*/{SUMMARY}") if path.parent.name.isdigit()]
        paths.sort(key=lambda path: int(path.parent.name))
        found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        if not found:
            return
        rows = [_settings(summary) | summary["row"] for summary in found]
        changing = _changing([_settings(summary) for summary in found])
        print_table([_shown(summary, changing) for summary in found], _WIDEST)
        print(f"table       {write_table(rows, folder / 'verdicts.csv')}")
        if any(summary["portrait"] for summary in found):
            command = command_of(config.hydra.overrides.task, swept=True)
            print(f"figure      {_draw(found, changing, folder / 'portraits.png', command)}")


def save_refusal(path: Path, overrides: list[str], error: Exception) -> None:
    """Write what the table shows of a job that wrong input has ended."""
    row = {"refused": str(error).splitlines()[0]}
    content = {"overrides": overrides, "row": row, "shown": row, "portrait": None}
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _settings(summary: dict[str, Any]) -> dict[str, str]:
    return dict(override.lstrip("+").split("=", 1) for override in summary["overrides"])


def _shown(summary: dict[str, Any], changing: list[str]) -> dict[str, str]:
    settings = _settings(summary)
    return {name: settings.get(name, "") for name in changing} | dict(summary["shown"])


def _draw(found: list[dict[str, Any]], changing: list[str], path: Path, command: str) -> Path:
    from ganzoo.theory.figures.phase_portrait import Portrait
    from ganzoo.theory.figures.portraits import Portraits

    sheet = {}
    for number, summary in enumerate(found):
        if summary["portrait"] is not None:
            settings = _settings(summary)
            title = "\n".join(settings[name] for name in changing if name in settings)
            sheet[title or str(number)] = (
                Portrait(**summary["portrait"]),
                summary["trajectory"],
            )
    columns = _columns(found, changing)
    return Portraits(portraits=sheet, columns=columns).save(path, command=command)


def _columns(found: list[dict[str, Any]], changing: list[str]) -> int:
    """As many as the setting has values that changes fastest, if they fit."""
    values = {_settings(summary).get(changing[-1]) for summary in found} if changing else set()
    return len(values) if 1 < len(values) <= _COLUMNS else _COLUMNS


def _changing(settings: list[dict[str, str]]) -> list[str]:
    """The names of settings that are not the same in all jobs."""
    names = dict.fromkeys(name for each in settings for name in each)
    return [name for name in names if len({each.get(name) for each in settings}) > 1]
