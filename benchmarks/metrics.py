"""Precision, recall, density and coverage against the package prdc: same features, one run.

Prints seconds and peak memory above the features of both, each measured in a process of its own
and in turn, how much less the library takes, and how far their values are apart. The values of
prdc are taken in float64, its time and memory in float32, as features come: in float32 it rounds
distances, and counts a few pairs in a million otherwise.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.tables import add_argument, column, spread, write
from ganzoo.metrics.prdc import PRDC

Features = NDArray[np.floating]
NEIGHBORS = 5


def features(samples: int, dimension: int) -> tuple[Features, Features]:
    """Real and generated features, not quite alike, float32."""
    random = np.random.default_rng(0)
    real = random.standard_normal((samples, dimension), dtype=np.float32)
    generated = random.standard_normal((samples, dimension), dtype=np.float32)
    generated *= 0.98
    return real, generated


def by_ganzoo(real: Features, generated: Features) -> dict[str, float]:
    """The library's metric."""
    metric = PRDC(neighbors=NEIGHBORS)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(generated), real=False)
    return {name: float(value) for name, value in metric.compute().items()}


def by_prdc(real: Features, generated: Features) -> dict[str, float]:
    """The package."""
    from prdc import compute_prdc

    with contextlib.redirect_stdout(io.StringIO()):
        values = compute_prdc(real, generated, NEIGHBORS)
    return {name: float(value) for name, value in values.items()}


def by_prdc_exactly(real: Features, generated: Features) -> dict[str, float]:
    """The package in float64."""
    return by_prdc(real.astype(np.float64), generated.astype(np.float64))


ROUTES: dict[str, Callable[[Features, Features], dict[str, float]]] = {
    route.__name__: route for route in (by_ganzoo, by_prdc, by_prdc_exactly)
}


def peak() -> float:
    """The most memory this process has held so far, in MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(name: str, samples: int, dimension: int) -> dict[str, Any]:
    """Values, seconds and MB of one route, here; a small call first pays for imports."""
    route = ROUTES[name]
    real, generated = features(samples, dimension)
    route(real[:64], generated[:64])
    before, started, used = peak(), time.perf_counter(), time.process_time()
    values = route(real, generated)
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    return {"values": values, "seconds": seconds, "processor": processor, "MB": peak() - before}


def apart(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.metrics",
        "--route",
        name,
        "--samples",
        str(options.samples),
    ]
    command += ["--dimension", str(options.dimension), "--threads", str(options.threads)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--alone", action="store_true", help="leave prdc out")
    parser.add_argument("--route", choices=ROUTES, help=argparse.SUPPRESS)
    add_argument(parser)
    return parser.parse_args()


COLUMNS = {
    "seconds": column("seconds", significant=3),
    "processor": column("seconds of processors", significant=3),
    "MB": column("MB above the features", digits=0),
    "difference": column("largest difference of a value", significant=1),
}


def report(options: argparse.Namespace) -> None:
    """Print the table, and write it."""
    names = ["by_ganzoo"] if options.alone else ["by_ganzoo", "by_prdc"]
    runs = [{n: apart(n, options) for n in names} for _ in range(options.repetitions)]
    rows = {name[3:]: _spreads([run[name] for run in runs]) for name in names}
    print(
        f"{options.samples:,} against {options.samples:,} samples of {options.dimension} features"
    )
    print(f"{options.threads} threads, k = {NEIGHBORS}, medians of {options.repetitions}")
    print(f"{'':<12}{'seconds':>10}{'processor':>12}{'MB above':>10}")
    for name, row in rows.items():
        seconds, processor = row["seconds"]["median"], row["processor"]["median"]
        print(f"{name:<12}{seconds:>10.2f}{processor:>12.2f}{row['MB']:>10.0f}")
    if options.alone:
        return
    for key in ("seconds", "processor", "MB"):
        ratio = spread([run["by_prdc"][key] / run["by_ganzoo"][key] for run in runs])["median"]
        print(f"prdc / ganzoo, {key}: {ratio:.1f}")
    ours, theirs = runs[0]["by_ganzoo"]["values"], apart("by_prdc_exactly", options)["values"]
    rows["ganzoo"]["difference"] = max(abs(ours[name] - theirs[name]) for name in ours)
    print(f"largest difference: {rows['ganzoo']['difference']:.1e}")
    write(
        options.json,
        title="Precision, recall, density and coverage",
        head=f"{options.samples:,} against as many samples of {options.dimension} features",
        columns=COLUMNS,
        rows=rows,
        repetitions=options.repetitions,
        threads=options.threads,
    )


def _spreads(runs: list[dict[str, Any]]) -> dict[str, Any]:
    times = {name: spread([run[name] for run in runs]) for name in ("seconds", "processor")}
    return times | {"MB": max(run["MB"] for run in runs)}


def main() -> None:
    """Measure here, or start the processes that do."""
    options = parse()
    torch.set_num_threads(options.threads)
    if options.route:
        print(json.dumps(measure(options.route, options.samples, options.dimension)))
    else:
        report(options)


if __name__ == "__main__":
    main()
