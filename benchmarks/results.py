"""Write docs/results.md and the README's table of results: ``python -m benchmarks.results``.

Both come from the files in ``benchmarks/results``: ``cpu/NAME.json`` are tables (see ``tables``),
written by the benchmarks with ``--json``; ``gpu/NAME.json`` come from ``python -m benchmarks.gpu``.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from benchmarks.gpu import page as gpu
from benchmarks.markdown import headline, section
from benchmarks.tables import ROOT, Table, read

FILES = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by python -m benchmarks.results -->", "<!-- end of the results -->"
CHAPTERS = {
    "What the models learn": [
        "points",
        "points_recipes",
        "update_rules",
        "digits_wgan_gp",
        "digits_named",
    ],
    "What metrics see, and cost": ["metrics_see", "frechet", "prdc"],
    "Speed": ["speed", "update_costs", "devices"],
    "Faults": ["faults"],
}
"""Names of files in ``cpu``, in the page's order."""
HEAD = """# Results

This page is written by `python -m benchmarks.results` from the files in `benchmarks/results`, each
table's by the commands above it, those of GPUs by `make gpu`. What a file does not know of its run
is called not recorded.
"""
GPU = """## On a GPU

One command makes all of this in nine minutes, on any machine with a GPU: `make gpu`, or
`python -m benchmarks.gpu --minutes 9 --out DIR`.
"""


def tables() -> dict[str, list[Table]]:
    """The tables of each chapter."""
    cpu = FILES / "cpu"
    return {
        title: [read(cpu / f"{name}.json") for name in names] for title, names in CHAPTERS.items()
    }


def runs(files: Iterable[Path]) -> list[gpu.Run]:
    """What files of GPUs hold, in the order of their names."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(files)]


def page(chapters: dict[str, list[Table]], found: list[gpu.Run]) -> str:
    """The page of some tables and of some runs on GPUs."""
    parts = [HEAD]
    for title, those in chapters.items():
        parts += [f"## {title}\n", *map(section, those)]
    return "\n".join([*parts, GPU, gpu.sections(found)])


def summary(chapters: dict[str, list[Table]], found: list[gpu.Run]) -> str:
    """The README's table: the line of each file that has one, and one of GPUs."""
    lines = [headline(table) for those in chapters.values() for table in those]
    rows = [["what", "command", "result"], ["---"] * 3, *(line for line in lines if line)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [*rows, gpu.headline(found)])


def with_summary(readme: str, text: str) -> str:
    """A README with what stands between the two marks replaced."""
    between = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.S)
    changed, times = between.subn(lambda _: f"\n{text}\n\n", readme)
    if times != 1:
        raise SystemExit(f"README.md must have {BEGIN} and {END} once")
    return changed


def written() -> dict[Path, str]:
    """Both files, and what they are to hold."""
    chapters, found = tables(), runs((FILES / "gpu").glob("*.json"))
    readme = README.read_text(encoding="utf-8")
    return {
        PAGE: page(chapters, found),
        README: with_summary(readme, summary(chapters, found)),
    }


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
