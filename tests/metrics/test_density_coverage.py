import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.spatial.distance import cdist

from ganzoo.errors import InputError
from ganzoo.metrics import PRDC


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def measure(real, generated, k=5):
    metric = PRDC(neighbors=k)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    values = metric.compute()
    return {name: values[name].item() for name in ("density", "coverage")}


@pytest.mark.parametrize("k", [1, 3, 5])
def test_agrees_with_prdc_and_with_brute_force(k):
    real, generated = normal(150, 6), 0.8 * normal(120, 6, seed=1) + 0.3
    ours = measure(real, generated, k)
    theirs = compute_prdc(real.numpy(), generated.numpy(), k)
    assert 0 < ours["coverage"] < 1
    assert ours == pytest.approx({name: theirs[name] for name in ours}, abs=1e-6)

    radii = np.sort(cdist(real, real), axis=1)[:, k]
    inside = cdist(real, generated) < radii[:, None]
    assert ours["density"] == pytest.approx(inside.sum() / (k * len(generated)), abs=1e-6)
    assert ours["coverage"] == pytest.approx(inside.any(axis=1).mean(), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_set_against_itself_is_exactly_one(dtype):
    points = normal(100, 200, dtype=dtype)
    assert measure(points, points) == {"density": 1.0, "coverage": 1.0}


def test_an_outlier_among_generated_samples_covers_nothing():
    real = normal(60, 2)
    assert measure(real, real + 1000) == {"density": 0.0, "coverage": 0.0}


def test_coverage_falls_with_dropped_modes_and_density_does_not():
    centers = 10 * torch.arange(4).repeat_interleave(50)[:, None]
    real, generated = normal(200, 2) + centers, normal(200, 2, seed=1) + centers
    whole, half = measure(real, generated), measure(real, generated[:100])
    assert whole["coverage"] > 0.9
    assert half["coverage"] < 0.55
    assert half["density"] > 0.8


def test_keeping_to_the_dense_part_lowers_coverage_and_not_density():
    real = normal(300, 2)
    same, narrow = measure(real, normal(300, 2, seed=1)), measure(real, 0.2 * normal(300, 2))
    assert narrow["density"] >= same["density"]
    assert narrow["coverage"] < 0.5 < same["coverage"]


def test_neighbors_must_be_positive():
    with pytest.raises(InputError, match="neighbors"):
        PRDC(neighbors=0)
