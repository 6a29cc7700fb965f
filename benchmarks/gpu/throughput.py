"""Part 2: images a second and milliseconds an iteration, beside the loop written by hand."""

import statistics
import time
from typing import Any

import torch

from benchmarks.gpu.by_hand import HandWritten
from benchmarks.gpu.by_library import train
from benchmarks.gpu.cases import CASES, SETTINGS, Case, Setting
from benchmarks.gpu.ceilings import ceilings, demands
from benchmarks.gpu.part import REHEARSAL, Report, device, synchronize

WARM_UP = 2 if REHEARSAL else 15
REPETITIONS = 2 if REHEARSAL else 3
SECONDS = 0.05 if REHEARSAL else 0.8
"""Of one measurement, about."""


def main() -> None:
    """Measure every case in every setting, those first that come first in the table."""
    report = Report.begin("throughput")
    where = device()
    limits = ceilings(where)
    report.put(ceilings=limits, rows=[])
    for setting in SETTINGS:
        for case in CASES:
            if report.left < 10:
                report.put(left_out="time was up")
                return
            row = {"case": case.name, "setting": setting.name, **_attempt(case, setting, where)}
            report.put(rows=[*report.found["rows"], _shares(row, limits)])


def _attempt(case: Case, setting: Setting, where: torch.device) -> dict[str, Any]:
    # What cannot be had (a compiled double backward) is a row that says why.
    try:
        return _measured(case, setting, where)
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [repr(error)]
        return {"failed": f"{type(error).__name__}: {lines[0][:200]}"}
    finally:
        torch.compiler.reset()


def _measured(case: Case, setting: Setting, where: torch.device) -> dict[str, Any]:
    hand = HandWritten(case, setting, where)
    batches = setting.batches(case.shape, where)
    asked = demands(lambda: hand.iteration(batches[0])) if not setting.compiled else {}
    if where.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    once = _by_hand(hand, batches, WARM_UP)
    steps = max(2, int(SECONDS / once))
    pairs = []
    for _ in range(REPETITIONS):
        mine = train(case, setting, where, warm_up=WARM_UP, steps=steps).seconds / steps
        pairs.append((_by_hand(hand, batches, steps), mine))
    by_hand, library = zip(*pairs, strict=True)
    ratios = [slow / fast for slow, fast in pairs]
    return {
        "steps": steps,
        "hand_milliseconds": _spread(by_hand, 1e3),
        "library_milliseconds": _spread(library, 1e3),
        "times_as_fast_as_by_hand": _spread(ratios, 1.0),
        "images_a_second": case.shape[0] / statistics.median(library),
        "peak_gigabytes": torch.cuda.max_memory_allocated() / 1e9 if where.type == "cuda" else None,
        **asked,
    }


def _by_hand(hand: HandWritten, batches: list[torch.Tensor], steps: int) -> float:
    """Seconds for an iteration of the loop written by hand."""
    synchronize()
    started = time.perf_counter()
    for step in range(steps):
        hand.iteration(batches[step % len(batches)])
    synchronize()
    return (time.perf_counter() - started) / steps


def _spread(values: Any, factor: float) -> dict[str, float]:
    scaled = [factor * value for value in values]
    return {"median": statistics.median(scaled), "least": min(scaled), "most": max(scaled)}


def _shares(row: dict[str, Any], limits: dict[str, float]) -> dict[str, Any]:
    """Add what the library's iteration reaches of the device's ceilings."""
    if "tflop" not in row:
        return row
    seconds = row["library_milliseconds"]["median"] / 1e3
    return row | {
        "share_of_bf16": row["tflop"] / seconds / limits["bf16_tflops"],
        "share_of_copy": row["gigabytes"] / seconds / limits["copy_gigabytes_a_second"],
    }


if __name__ == "__main__":
    main()
