"""Seconds of the Frechet distance at 2,048 features, by the library, torchmetrics and scipy.

Statistics of random features, with more samples than features and with fewer. Medians, and the
relative error: with more samples against scipy's matrix square root; with fewer against the nuclear
norm of the centred samples' products, because there the roots of eigenvalues that should be 0 cost
scipy half its digits.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from scipy import linalg
from torch import Tensor
from torchmetrics.image.fid import _compute_fid

from benchmarks.tables import add_argument, column, spread, write
from ganzoo.metrics.features.statistics import feature_statistics
from ganzoo.metrics.frechet import frechet_distance

Distance = Callable[[Tensor, Tensor, Tensor, Tensor], float]


def features(samples: int, dimension: int, seed: int) -> Tensor:
    """Features whose variances fall off, as those of networks do, mixed by a rotation."""
    random = torch.Generator().manual_seed(seed)
    rows = torch.randn(samples, dimension, generator=random, dtype=torch.float64)
    rows *= torch.logspace(0, -2, dimension, dtype=torch.float64)
    mixing = torch.randn(dimension, dimension, generator=random, dtype=torch.float64)
    return rows @ torch.linalg.qr(mixing).Q + 0.1 * seed


def by_ganzoo(*moments: Tensor) -> float:
    """The library's."""
    return float(frechet_distance(*moments))


def by_torchmetrics(*moments: Tensor) -> float:
    """By the eigenvalues of the product of the covariances."""
    return float(_compute_fid(*moments))


def by_scipy(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> float:
    """By the matrix square root, with the published implementations' offset for singular ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = linalg.sqrtm((covariance_a @ covariance_b).numpy())
    apart = (mean_a - mean_b).square().sum()
    return float(apart + covariance_a.trace() + covariance_b.trace() - 2 * root.trace().real)


ROUTES: tuple[Distance, ...] = (by_ganzoo, by_torchmetrics, by_scipy)


def from_samples(real: Tensor, generated: Tensor) -> float:
    """The distance from the samples themselves, without covariances."""
    centred = [rows - rows.mean(dim=0) for rows in (real, generated)]
    nuclear = torch.linalg.svdvals(centred[0] @ centred[1].T).sum() / (len(real) - 1)
    traces = sum(rows.square().sum() / (len(rows) - 1) for rows in centred)
    return float((real.mean(0) - generated.mean(0)).square().sum() + traces - 2 * nuclear)


def compare(real: Tensor, generated: Tensor, repetitions: int) -> dict[str, dict[str, Any]]:
    """Seconds and the relative error of each route."""
    first, second = feature_statistics(real), feature_statistics(generated)
    moments = first.mean, first.covariance, second.mean, second.covariance
    few = len(real) < real.shape[1]
    exact = from_samples(real, generated) if few else by_scipy(*moments)
    found = {}
    for route in ROUTES:
        seconds = []
        for _ in range(repetitions):
            started = time.perf_counter()
            value = route(*moments)
            seconds.append(time.perf_counter() - started)
        error = abs(value / exact - 1)
        found[route.__name__[3:]] = {"seconds": spread(seconds), "error": error}
    return found


COLUMNS = {
    "seconds": column("seconds", significant=3),
    "error": column("relative error", significant=1),
}


def main() -> None:
    """Measure with many and with few samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimension", type=int, default=2048)
    parser.add_argument("--repetitions", type=int, default=5)
    add_argument(parser)
    options = parser.parse_args()
    rows = {}
    for samples in (5 * options.dimension, options.dimension // 2):
        print(f"{samples:,} samples of {options.dimension:,} features")
        sets = [features(samples, options.dimension, seed) for seed in (0, 1)]
        for route, row in compare(*sets, options.repetitions).items():
            print(f"{route:<14}{row['seconds']['median']:>8.2f} s{row['error']:>12.1e}")
            rows[f"{samples:,} samples, {route}"] = row
    write(
        options.json,
        title=f"The Frechet distance at {options.dimension:,} features",
        head="samples and route",
        columns=COLUMNS,
        rows=rows,
        repetitions=options.repetitions,
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
