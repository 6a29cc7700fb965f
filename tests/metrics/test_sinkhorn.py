import numpy as np
import ot
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics import SinkhornDivergence, Wasserstein2, sinkhorn
from ganzoo.metrics.sinkhorn import entropic_cost, own_cost


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measure(real, generated, regularization=0.1, **settings):
    settings = {"iterations": 500, "tolerance": 1e-6, "limit": 1000, "floor": False} | settings
    metric = SinkhornDivergence(regularization=regularization, **settings)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return metric.compute()["sinkhorn_divergence"].item()


def by_pot(first, second, epsilon):
    """The primal value: POT's plan, its cost, and its divergence from independence."""
    cost = ot.dist(first.double().numpy(), second.double().numpy())
    n, m = cost.shape
    plan = ot.sinkhorn(
        np.full(n, 1 / n),
        np.full(m, 1 / m),
        cost,
        epsilon,
        method="sinkhorn_log",
        numItermax=1000,
        stopThr=1e-7,
    )
    return (plan * cost).sum() + epsilon * (plan * np.log(np.maximum(plan, 1e-300) * n * m)).sum()


@pytest.mark.parametrize("counts", [(30, 30), (30, 23)])
@pytest.mark.parametrize("regularization", [0.1, 1.0])
def test_agrees_with_plans_by_pot(counts, regularization, monkeypatch):
    monkeypatch.setattr(sinkhorn, "_BLOCK", 100)
    real, generated = normal(counts[0], 3), 0.6 * normal(counts[1], 3, seed=1) + 0.4
    epsilon = regularization * 2 * real.double().numpy().var(axis=0).sum()
    parts = [by_pot(*pair, epsilon) for pair in ((real, generated), (real, real))]
    expected = parts[0] - (parts[1] + by_pot(generated, generated, epsilon)) / 2
    assert measure(real, generated, regularization) == pytest.approx(expected, rel=1e-5)


def test_a_small_regularization_approaches_the_squared_distance():
    real, generated = normal(60, 2), normal(60, 2, seed=1) + 2
    metric = Wasserstein2(limit=100, floor=False)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    squared = metric.compute()["wasserstein2"].item() ** 2
    assert measure(real, generated, 0.002) == pytest.approx(squared, rel=0.02)


def test_a_large_regularization_leaves_the_squared_distance_of_the_means():
    real, generated = normal(60, 2), 0.5 * normal(80, 2, seed=1) + 1
    apart = (real.mean(dim=0) - generated.mean(dim=0)).square().sum().item()
    assert measure(real, generated, 1e4) == pytest.approx(apart, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_the_data_is_the_scale_of_the_value(scale):
    real, generated = normal(40, 4), normal(40, 4, seed=1) + 0.5
    expected = scale**2 * measure(real, generated)
    assert measure(scale * real, scale * generated) == pytest.approx(expected, rel=1e-4)


def test_a_set_against_itself_is_zero():
    points = normal(50, 3)
    assert measure(points, points.flip(0)) == pytest.approx(0, abs=1e-6)
    assert measure(points, points.repeat(2, 1)) == pytest.approx(0, abs=1e-6)
    assert measure(points[:1], points[:1]) == 0


def test_less_bias_than_the_distance_itself():
    real, same = normal(200, 20), normal(200, 20, seed=1)
    metric = Wasserstein2(limit=200, floor=False)
    metric.update(real, real=True)
    metric.update(same, real=False)
    assert measure(real, same, 0.5) < 0.1 * metric.compute()["wasserstein2"].item() ** 2


def test_the_cost_of_a_set_against_itself_is_found_faster_and_is_the_same():
    cost = torch.cdist(normal(60, 3), normal(60, 3)).square()
    slow = entropic_cost(cost, 0.5, iterations=1000, tolerance=1e-6)
    assert own_cost(cost, 0.5, iterations=30, tolerance=1e-6) == pytest.approx(slow, rel=1e-6)


def test_updates_that_end_early_bound_the_cost_from_below():
    cost = torch.cdist(normal(30, 2), normal(30, 2, seed=1)).square()
    early, late = (entropic_cost(cost, 0.01, iterations=i, tolerance=1e-9) for i in (1, 500))
    assert 0 < early < late


@pytest.mark.parametrize("name", ["regularization", "iterations", "tolerance", "limit"])
def test_numbers_must_be_positive(name):
    settings = {"regularization": 1.0, "iterations": 1, "tolerance": 1.0, "limit": 1}
    with pytest.raises(InputError, match=name):
        SinkhornDivergence(**(settings | {name: 0}), floor=False)
