"""Write docs/results.md from the files in benchmarks/results: ``python -m benchmarks.results``.

Each file is a ``results.json`` of ``python -m benchmarks.gpu``, under a name of its own. What no
file has says "not run yet".
"""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FILES = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
NOT_YET = "Not run yet.\n"
HEAD = """# Results on GPUs

This page is written by `python -m benchmarks.results` from the files in `benchmarks/results`. One
command makes such a file in nine minutes, on any machine with a GPU: `make gpu`, or
`python -m benchmarks.gpu --minutes 9 --out DIR`.
"""


def page(files: list[Path]) -> str:
    """The page of some files, oldest first."""
    runs = [json.loads(file.read_text()) for file in sorted(files)]
    sections = {
        "Machines": machines,
        "Tests": tests,
        "Throughput": throughput,
        "The library and the loop written by hand": agreement,
        "A training": training,
        "Several devices": scaling,
    }
    parts = [f"## {title}\n\n{section(runs) or NOT_YET}" for title, section in sections.items()]
    return "\n".join([HEAD, *parts])


def machines(runs: list[dict[str, Any]]) -> str:
    """What was run where, with which versions."""
    lines = []
    for number, run in enumerate(runs, start=1):
        versions = ", ".join(f"{name} {found}" for name, found in run["versions"].items() if found)
        gpus = ", ".join(run["gpus"]) or "no GPU (a rehearsal)"
        lines += [
            f"{number}. {gpus}, CUDA {run['cuda']}, Python {run['python']}, {versions}; commit",
            f"   {run['commit']}, {run['started']}, {run['seconds']:.0f} s: `{run['command']}`",
        ]
    return _text(lines)


def tests(runs: list[dict[str, Any]]) -> str:
    """How many tests passed, and which failed."""
    lines = []
    for number, found in _parts(runs, "tests"):
        if "tests" in found:
            failed, passed = found["failed"], found["tests"] - found["skipped"]
            passed -= len(failed)
            lines += [f"Machine {number}: {passed} passed, {len(failed)} failed."]
            lines += [f"- `{name}`: {why}" for name, why in failed.items()]
    return _text(lines)


def throughput(runs: list[dict[str, Any]]) -> str:
    """A table for each machine: medians, and the least and the most of the ratio."""
    lines = []
    for number, found in _parts(runs, "throughput"):
        if not found.get("rows"):
            continue
        limits = found["ceilings"]
        lines += [
            f"Machine {number}: a bfloat16 matrix product runs at {limits['bf16_tflops']:.0f} "
            f"TFLOP/s, a copy moves {limits['copy_gigabytes_a_second']:.0f} GB/s. Medians; images",
            "are real ones that the discriminator sees; in brackets the least and the most.",
            "",
            "| network | setting | images a second | ms an iteration | of the loop by hand | "
            "times as fast as it | of the product | of the copy | GB |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|",
            *(_row(row) for row in found["rows"]),
            "",
        ]
    return _text(lines)


def _row(row: dict[str, Any]) -> str:
    if "failed" in row:
        return (
            f"| {row['case']} | {row['setting']} | {row['failed'].replace('|', '/')} | | | | | | |"
        )
    hand, mine = row["hand_milliseconds"], row["library_milliseconds"]
    ratio, memory = row["times_as_fast_as_by_hand"], row["peak_gigabytes"]
    cells = [
        row["case"],
        row["setting"],
        f"{row['images_a_second']:,.0f}",
        f"{mine['median']:.2f}",
        f"{hand['median']:.2f}",
        f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})",
        _percent(row.get("share_of_bf16")),
        _percent(row.get("share_of_copy")),
        "" if memory is None else f"{memory:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def agreement(runs: list[dict[str, Any]]) -> str:
    """How near the losses of both ways are."""
    lines = []
    for number, found in _parts(runs, "agreement"):
        if "windows_within_spread" in found:
            lines += [
                f"Machine {number}: {found['case']}, {found['steps']} iterations, {found['seeds']} "
                "seeds: the discriminator's losses of both ways differ by less than their seeds do",
                f"in {found['windows_within_spread']:.0%} of the windows, by at most "
                f"{found['largest_distance']:.3f}.",
            ]
    return _text(lines)


def training(runs: list[dict[str, Any]]) -> str:
    """The recipe, its curve and the floor."""
    lines = []
    for number, found in _parts(runs, "training"):
        if "last" not in found:
            continue
        lines += [
            f"Machine {number}: `experiment={found['recipe']}`, {found['setting']}, "
            f"{found['steps']:,} generator updates ({found['share_of_paper']:.1%} of the paper's),",
            f"{found['real_images_seen']:,} real images, {found['seconds_of_training']:.0f} s.",
            "",
            f"`{found['command']}`",
            "",
            *_curve(found["curve"]),
            "",
        ]
    return _text(lines)


def _curve(rows: list[dict[str, float]]) -> list[str]:
    names = sorted({name for row in rows for name in row if name != "step"})
    head = ["| step | " + " | ".join(f"`{n.removeprefix('metrics/')}`" for n in names) + " |"]
    head += ["|---:" * (len(names) + 1) + "|"]
    cells = [[f"{row['step']:,.0f}", *(_number(row.get(name)) for name in names)] for row in rows]
    return [*head, *(f"| {' | '.join(row)} |" for row in cells)]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def scaling(runs: list[dict[str, Any]]) -> str:
    """Seconds of the same number of iterations with more devices."""
    lines = []
    for number, found in _parts(runs, "scaling"):
        if "rows" in found:
            lines += [
                f"Machine {number}, {found['steps']} iterations, 64 images a device each:",
                "",
            ]
            lines += [
                f"- {row['devices']} devices: {row['seconds']:.1f} s" for row in found["rows"]
            ]
    return _text(lines)


def _parts(runs: list[dict[str, Any]], name: str) -> list[tuple[int, dict[str, Any]]]:
    found = [(number, run["parts"].get(name, {})) for number, run in enumerate(runs, start=1)]
    return [(number, part) for number, part in found if part]


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n" if lines else ""


if __name__ == "__main__":
    PAGE.write_text(page(list(FILES.glob("*.json"))))
