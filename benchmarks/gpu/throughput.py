"""Part 2: images a second and milliseconds an iteration, beside the loop written by hand."""

import gc
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.by_hand import HandWritten
from benchmarks.gpu.by_library import train
from benchmarks.gpu.cases import CASES, SETTINGS, Case, Setting
from benchmarks.gpu.ceilings import ceilings, demands
from benchmarks.gpu.device import Memory, device, synchronize
from benchmarks.gpu.part import REHEARSAL, Report
from benchmarks.gpu.prepared import batches

WARM_UP = 1 if REHEARSAL else 15
REPETITIONS = 2 if REHEARSAL else 3
SECONDS = 0.05 if REHEARSAL else 0.5
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
                report.put(left_out=f"from {setting.name} of {case.name} on: time was up")
                return
            row = {"case": case.name, "setting": setting.name, **_attempt(case, setting, where)}
            report.put(rows=[*report.found["rows"], _shares(row, limits)])


def _attempt(case: Case, setting: Setting, where: torch.device) -> dict[str, Any]:
    if setting.has_graphs and where.type != "cuda":
        return {"left_out": "CUDA graphs are a GPU's"}
    # What cannot be had (a compiled double backward) is a row that says why.
    try:
        return _measured(case, setting, where)
    except Exception as error:
        lines = [line for line in str(error).splitlines() if line.strip()] or [repr(error)]
        return {"failed": f"{type(error).__name__}: {lines[0][:200]}"}
    finally:
        if setting.compiled is not None:
            torch.compiler.reset()
        gc.collect()  # compiled networks refer to themselves


def _measured(case: Case, setting: Setting, where: torch.device) -> dict[str, Any]:
    data = batches(case, setting, where)
    asked = _demands(case, setting, data)
    memory = Memory()
    hand = HandWritten(case, setting, where)
    _by_hand(hand, data, WARM_UP)
    memory.forget_peak()
    steps = max(2, int(SECONDS / _by_hand(hand, data, 5)))
    peak = memory.peak()
    by_hand: list[float] = []
    mine = train(
        case,
        setting,
        data,
        warm_up=WARM_UP,
        steps=steps,
        repetitions=REPETITIONS,
        before_each=lambda: by_hand.append(_by_hand(hand, data, steps)),
    )
    seconds = [stretch / steps for stretch in mine.seconds]
    ratios = [slow / fast for slow, fast in zip(by_hand, seconds, strict=True)]
    return {
        "steps": steps,
        "repetitions": REPETITIONS,
        "hand_milliseconds": _spread(by_hand, 1e3),
        "library_milliseconds": _spread(seconds, 1e3),
        "times_as_fast_as_by_hand": _spread(ratios, 1.0),
        "images_a_second": case.shape[0] / statistics.median(seconds),
        "hand_peak_gigabytes": peak,
        "peak_gigabytes": mine.peak,
        **asked,
    }


def _demands(case: Case, setting: Setting, data: list[Tensor]) -> dict[str, float]:
    """What an iteration asks for: counted without compiling, which changes no product."""
    eager = HandWritten(case, replace(setting, compiled=None), data[0].device)
    asked = demands(lambda: eager.iteration(data[0]))
    if setting.compiled is not None:
        del asked["gigabytes"]  # fused operations move fewer
    return asked


def _by_hand(hand: HandWritten, batches: list[Tensor], steps: int) -> float:
    """Seconds for an iteration of the loop written by hand."""
    synchronize()
    started = time.perf_counter()
    for step in range(steps):
        hand.iteration(batches[step % len(batches)])
    synchronize()
    return (time.perf_counter() - started) / steps


def _spread(values: Sequence[float], factor: float) -> dict[str, float]:
    scaled = [factor * value for value in values]
    return {"median": statistics.median(scaled), "least": min(scaled), "most": max(scaled)}


def _shares(row: dict[str, Any], limits: dict[str, float]) -> dict[str, Any]:
    """Add what the library's iteration reaches of the device's ceilings."""
    if "library_milliseconds" not in row:
        return row
    seconds = row["library_milliseconds"]["median"] / 1e3
    row = row | {"share_of_bf16": row["tflop"] / seconds / limits["bf16_tflops"]}
    if "gigabytes" in row:
        row["share_of_copy"] = row["gigabytes"] / seconds / limits["copy_gigabytes_a_second"]
    return row


if __name__ == "__main__":
    main()
