"""At equal seeds: the losses of the library's first iterations and of the loop written by hand."""

import statistics

import torch

from benchmarks.gpu.by_hand import HandWritten
from benchmarks.gpu.by_library import train
from benchmarks.gpu.cases import Case, Setting
from benchmarks.gpu.device import device
from benchmarks.gpu.part import REHEARSAL, Report
from benchmarks.gpu.prepared import batches

STEPS = 20 if REHEARSAL else 1000
WINDOW = 5 if REHEARSAL else 50
SEEDS = (0, 1) if REHEARSAL else (0, 1, 2, 3)
CASE = Case("DCGAN 32, B 64", ("network=dcgan",), batch=64, steps=1, size=32)
SETTING = Setting("TF32", matmul="high")


def main() -> None:
    """Train with each seed in both ways, as long as there is time."""
    report = Report.begin("agreement")
    where = device()
    curves: dict[str, list[list[float]]] = {"hand": [], "library": []}
    for count, seed in enumerate(SEEDS, start=1):
        curves["hand"].append(_by_hand(seed, where))
        curves["library"].append(_by_library(seed, where))
        report.put(case=CASE.name, steps=STEPS, seeds=count, curves=curves)
        if count > 1:
            report.put(**_compared(curves))
        if report.left < 1.2 * (report.seconds - report.left) / count:
            break


def _by_hand(seed: int, where: torch.device) -> list[float]:
    hand = HandWritten(CASE, SETTING, where, seed)
    data = batches(CASE, SETTING, where)
    return _means([hand.iteration(data[step % len(data)]) for step in range(STEPS)])


def _by_library(seed: int, where: torch.device) -> list[float]:
    data = batches(CASE, SETTING, where)
    watch = train(CASE, SETTING, data, warm_up=0, steps=STEPS, seed=seed)
    return _means(watch.losses)


def _means(losses: list[torch.Tensor]) -> list[float]:
    """Means over windows of iterations."""
    return [float(part.mean()) for part in torch.stack(losses).float().split(WINDOW)]


def _compared(curves: dict[str, list[list[float]]]) -> dict[str, float]:
    """The share of windows in which the ways differ by less than their seeds do."""
    close, apart = 0, []
    columns = zip(
        zip(*curves["hand"], strict=True), zip(*curves["library"], strict=True), strict=True
    )
    for hand, library in columns:
        distance = abs(statistics.mean(hand) - statistics.mean(library))
        spread = max(max(hand) - min(hand), max(library) - min(library))
        close += distance <= spread
        apart.append(distance)
    return {"windows_within_spread": close / len(apart), "largest_distance": max(apart)}


if __name__ == "__main__":
    main()
