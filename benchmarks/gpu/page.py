"""What the page of results says of runs of ``python -m benchmarks.gpu``, as Markdown."""

from typing import Any

NOT_YET = "Not run yet.\n"
Run = dict[str, Any]


def sections(runs: list[Run]) -> str:
    """The sections of some runs, oldest first; what none of them has says so."""
    titles = {
        "Machines": machines,
        "Tests": tests,
        "Throughput": throughput,
        "Forms of the same operation": forms,
        "The library and the loop written by hand": agreement,
        "A training": training,
        "Several GPUs": scaling,
    }
    parts = (f"### {title}\n\n{text(runs) or NOT_YET}" for title, text in titles.items())
    return "\n".join(parts)


def headline(runs: list[Run]) -> list[str]:
    """What, command and result for the README: of the newest run's first network, the fastest."""
    what, command = "images a second on a GPU", "`make gpu`"
    for run in reversed(runs):
        rows = run["parts"].get("throughput", {}).get("rows", [])
        rows = [row for row in rows if "images_a_second" in row and row["case"] == rows[0]["case"]]
        if rows:
            best = max(rows, key=lambda row: row["images_a_second"])
            ratio = best["times_as_fast_as_by_hand"]["median"]
            speed = (
                f"{best['images_a_second']:,.0f} ({best['setting']}; {ratio:.2f} times as fast as"
            )
            return [f"{what}: {best['case']}", command, f"{speed} a loop written by hand)"]
    return [what, command, "not run yet"]


def machines(runs: list[Run]) -> str:
    """What was run where, with which versions."""
    lines = []
    for number, run in enumerate(runs, start=1):
        versions = ", ".join(f"{name} {found}" for name, found in run["versions"].items() if found)
        gpus = ", ".join(run["gpus"]) or "no GPU (a rehearsal)"
        lines += [
            f"{number}. {gpus}, {run['cores']} cores of {run['processor']}, CUDA {run['cuda']}, "
            f"Python {run['python']}, {versions}; commit",
            f"   {run['commit']}, {run['started']}, {run['seconds']:.0f} s: `{run['command']}`",
        ]
    return _text(lines)


def tests(runs: list[Run]) -> str:
    """How many tests passed, and which failed."""
    lines = []
    for number, found in _parts(runs, "tests"):
        if "tests" in found:
            failed, passed = found["failed"], found["tests"] - found["skipped"]
            passed -= len(failed)
            rest = f", without {found['left_out']}" if "left_out" in found else ""
            lines += [f"Machine {number}: {passed} passed, {len(failed)} failed{rest}."]
            lines += [f"- `{name}`: {why}" for name, why in failed.items()]
    return _text(lines)


HEADS = {
    "network": "---",
    "setting": "---",
    "images a second": "---:",
    "ms an iteration": "---:",
    "of the loop by hand": "---:",
    "times as fast as it": "---:",
    "of the product": "---:",
    "of the copy": "---:",
    "peak GB of a step": "---:",
    "of the loop's": "---:",
}


def throughput(runs: list[Run]) -> str:
    """A table for each machine: medians, and the least and the most of the ratio."""
    lines = []
    for number, found in _parts(runs, "throughput"):
        if not found.get("rows"):
            continue
        limits = found["ceilings"]
        lines += [
            f"Machine {number}: a bfloat16 matrix product runs at {limits['bf16_tflops']:.0f} "
            f"TFLOP/s, a copy moves {limits['copy_gigabytes_a_second']:.0f} GB/s. Medians; images",
            "are real ones that the discriminator sees; in brackets the least and the most. The",
            "peak is that of weights, gradients, optimizers and activations.",
            "",
            f"| {' | '.join(HEADS)} |",
            f"|{'|'.join(HEADS.values())}|",
            *(f"| {' | '.join(_row(row))} |" for row in found["rows"]),
            "",
            *([f"Left out {found['left_out']}.", ""] if "left_out" in found else []),
        ]
    return _text(lines)


def _row(row: dict[str, Any]) -> list[str]:
    name = [row["case"], row["setting"]]
    why = row.get("failed") or row.get("left_out")
    if why is not None:
        return [*name, why.replace("|", "/"), *[""] * (len(HEADS) - 3)]
    hand, mine = row["hand_milliseconds"], row["library_milliseconds"]
    ratio = row["times_as_fast_as_by_hand"]
    return [
        *name,
        f"{row['images_a_second']:,.0f}",
        f"{mine['median']:.2f}",
        f"{hand['median']:.2f}",
        f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})",
        _percent(row.get("share_of_bf16")),
        _percent(row.get("share_of_copy")),
        _gigabytes(row["peak_gigabytes"]),
        _gigabytes(row["hand_peak_gigabytes"]),
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _gigabytes(peak: float | None) -> str:
    return "" if peak is None else f"{peak:.2f}"


def forms(runs: list[Run]) -> str:
    """A table for each machine: forward and backward passes of each form."""
    lines = []
    for number, found in _parts(runs, "forms"):
        columns = list(dict.fromkeys((r["precision"], r["layout"]) for r in found.get("rows", [])))
        table: dict[tuple[str, str], list[str]] = {}
        for row in found.get("rows", []):
            cells = table.setdefault((row["operation"], row["form"]), [])
            cells.append(f"{row['milliseconds']:.3f}")
        heads = ["operation", "form", *map(", ".join, columns)]
        lines += [
            f"Machine {number}, milliseconds of a forward and backward pass; the first form of an",
            "operation is the library's.",
            "",
            f"| {' | '.join(heads)} |",
            f"|---|---|{'---:|' * len(columns)}",
            *(f"| {' | '.join([*name, *cells])} |" for name, cells in table.items()),
            "",
        ]
    return _text(lines)


def agreement(runs: list[Run]) -> str:
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


def training(runs: list[Run]) -> str:
    """The recipe, its curve and the floor."""
    lines = []
    for number, found in _parts(runs, "training"):
        if not found.get("curve"):
            continue
        seconds = found.get("seconds_of_training")
        lasted = "ended before its time" if seconds is None else f"{seconds:.0f} s"
        floor = found.get("floor", {"left_out": "it was not measured"})
        lines += [
            f"Machine {number}: `experiment={found['recipe']}`, {found['setting']}, "
            f"{found['steps']:,} generator updates ({found['share_of_paper']:.1%} of the paper's),",
            f"{found['real_images_seen']:,} real images, {lasted}.",
            "",
            f"`{found['command']}`",
            "",
            *_curve(found["curve"], floor.get("values", {})),
            "",
            _floor(floor),
            "",
        ]
    return _text(lines)


def _curve(rows: list[dict[str, float]], floor: dict[str, float]) -> list[str]:
    names = sorted({name for row in rows for name in row if name != "step"})
    head = ["| step | " + " | ".join(f"`{n.removeprefix('metrics/')}`" for n in names) + " |"]
    head += ["|---:" * (len(names) + 1) + "|"]
    cells = [[f"{row['step']:,.0f}", *(_number(row.get(name)) for name in names)] for row in rows]
    if floor:
        cells += [["floor", *(_number(floor.get(name)) for name in names)]]
    return [*head, *(f"| {' | '.join(row)} |" for row in cells)]


def _floor(found: dict[str, Any]) -> str:
    if "left_out" in found:
        return f"Without the floor: {found['left_out']}."
    counts = found["counts"]
    return (
        f"The floor is what {counts['generated']:,} held-out pictures give against "
        f"{counts['real']:,} of training."
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def scaling(runs: list[Run]) -> str:
    """Images a second of the same network on more devices, and whether they train alike."""
    lines = []
    for number, found in _parts(runs, "scaling"):
        if "left_out" in found:
            lines += [f"Machine {number}: {found['left_out']}."]
        if "rows" in found:
            lines += [
                f"Machine {number}, {found['steps']} iterations, 64 images a device each:",
                "",
            ]
            lines += [
                f"- {row['devices']} devices: {row['images_a_second']:,.0f} images a second "
                f"({row['least']:,.0f} to {row['most']:,.0f}), peak {row['peak_gib']:.2f} GiB"
                for row in found["rows"]
            ]
            lines += [""]
    for number, found in _parts(runs, "equivalence"):
        if "largest_difference" in found:
            images = f"{found['batch_of_a_device']} images each"
            change, difference = found["largest_change"], found["largest_difference"]
            lines += [
                f"Machine {number}, {found['steps']} iterations of {found['devices']} devices with "
                f"{images}, and of one device with all of them: training",
                f"changes a weight by at most {change:.1e}, and their weights differ by at most "
                f"{difference:.1e}.",
            ]
    return _text(lines)


def _parts(runs: list[Run], name: str) -> list[tuple[int, dict[str, Any]]]:
    found = [(number, run["parts"].get(name, {})) for number, run in enumerate(runs, start=1)]
    return [(number, part) for number, part in found if part]


def _text(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n" if lines else ""
