import pytest
import torch
from prdc import compute_prdc
from sklearn.datasets import load_digits

from ganzoo.metrics.prdc import PRDC


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def measure(real, generated, k=5):
    metric = PRDC(neighbors=k)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return {name: value.item() for name, value in metric.compute().items()}


@pytest.mark.parametrize("k", [1, 3, 5, 10])
@pytest.mark.parametrize("dim, counts", [(2, (300, 200)), (64, (600, 500)), (9000, (60, 50))])
def test_agrees_with_prdc(k, dim, counts):
    # In 2 and 9,000 dimensions the products are in float64, between in float32.
    real, generated = normal(counts[0], dim), 0.9 * normal(counts[1], dim, seed=1) + 0.1
    theirs = compute_prdc(real.numpy(), generated.numpy(), k)
    assert 0 < theirs["coverage"] <= 1 and theirs["density"] > 0
    assert measure(real, generated, k) == pytest.approx(theirs, rel=1e-6, abs=1e-6)


def test_agrees_with_prdc_on_digits_where_distances_tie():
    digits = torch.tensor(load_digits().data) / 8 - 1
    real, generated = digits[:900], digits[900:]
    theirs = compute_prdc(real.numpy(), generated.numpy(), 5)
    assert measure(real.float(), generated.float()) == pytest.approx(theirs, abs=1e-6)


def test_a_set_against_itself_is_exactly_one():
    points = normal(1100, 32, dtype=torch.float32)
    assert set(measure(points, points).values()) == {1.0}


def test_a_tiny_scale_and_a_far_origin_change_nothing():
    grid = torch.randint(-8, 9, (300, 24), generator=torch.Generator().manual_seed(0)).double()
    real, generated = grid[:160], grid[160:]
    expected = measure(real, generated)
    assert measure(real * 2.0**-400, generated * 2.0**-400) == expected
    assert measure(real * 2.0**300 + 2.0**330, generated * 2.0**300 + 2.0**330) == expected
    assert measure((real + 2.0**16).float(), (generated + 2.0**16).float()) == expected
