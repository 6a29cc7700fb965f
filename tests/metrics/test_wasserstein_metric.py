import numpy as np
import ot
import pytest
import torch
from scipy.stats import wasserstein_distance

from ganzoo.errors import InputError
from ganzoo.metrics import Wasserstein1


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measure(real, generated, limit=1000):
    metric = Wasserstein1(limit=limit)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return metric.compute()["wasserstein"].item()


@pytest.mark.parametrize("dim", [1, 2, 30])
def test_agrees_with_pot(dim):
    real, generated = normal(80, dim), 0.5 * normal(80, dim, seed=1) + 0.7
    cost = ot.dist(real.double().numpy(), generated.double().numpy(), metric="euclidean")
    weights = np.full(80, 1 / 80)
    assert measure(real, generated) == pytest.approx(ot.emd2(weights, weights, cost), rel=1e-6)


def test_agrees_with_scipy_on_the_line():
    real, generated = normal(200, 1), normal(200, 1, seed=1).exp()
    expected = wasserstein_distance(real[:, 0], generated[:, 0])
    assert measure(real, generated) == pytest.approx(expected, rel=1e-6)


def test_a_set_against_itself_in_any_order_is_zero():
    points = normal(50, 3)
    assert measure(points, points.flip(0)) == 0


def test_a_shift_moves_everything_by_its_length():
    points = normal(50, 2)
    assert measure(points, points + torch.tensor([3.0, 4.0])) == pytest.approx(5, rel=1e-6)


def test_is_symmetric_scales_and_obeys_the_triangle_inequality():
    a, b, c = normal(40, 2), 2 * normal(40, 2, seed=1), normal(40, 2, seed=2) + 1
    assert measure(a, b) == pytest.approx(measure(b, a), rel=1e-6)
    assert measure(3 * a, 3 * b) == pytest.approx(3 * measure(a, b), rel=1e-6)
    assert measure(a, c) <= measure(a, b) + measure(b, c)


def test_unequal_counts_are_an_error():
    with pytest.raises(InputError, match="got 9 and 10"):
        measure(normal(10, 2), normal(9, 2))


def test_more_samples_than_the_limit_are_an_error():
    assert measure(normal(10, 2), normal(10, 2), limit=10) == 0
    with pytest.raises(InputError, match="limit=9"):
        measure(normal(10, 2), normal(10, 2), limit=9)


@pytest.mark.parametrize("limit", [0, -5, 2.5])
def test_the_limit_must_be_a_positive_whole_number(limit):
    with pytest.raises(InputError, match="limit"):
        Wasserstein1(limit=limit)
