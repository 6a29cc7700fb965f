import numpy as np
import ot
import pytest
import torch
from scipy.linalg import sqrtm
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from ganzoo.errors import InputError
from ganzoo.metrics import Wasserstein1, Wasserstein2
from ganzoo.metrics.transport import halves


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measure(real, generated, kind=Wasserstein1, limit=1000, floor=False):
    metric = kind(limit=limit, floor=floor)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    values = {name: value.item() for name, value in metric.compute().items()}
    return values if floor else values[kind.name]


both = pytest.mark.parametrize("kind", [Wasserstein1, Wasserstein2])


@both
@pytest.mark.parametrize("dim", [1, 2, 30])
def test_agrees_with_an_assignment_by_scipy(kind, dim):
    real, generated = normal(80, dim), 0.5 * normal(80, dim, seed=1) + 0.7
    cost = cdist(real.double(), generated.double()) ** kind.order
    expected = cost[linear_sum_assignment(cost)].mean() ** (1 / kind.order)
    assert measure(real, generated, kind) == pytest.approx(expected, rel=1e-6)


@both
@pytest.mark.parametrize("counts", [(80, 80), (60, 45), (1, 20)])
def test_agrees_with_pot_at_any_counts(kind, counts):
    real, generated = normal(counts[0], 3), 0.5 * normal(counts[1], 3, seed=1) + 0.7
    kinds = {1: "euclidean", 2: "sqeuclidean"}
    cost = ot.dist(real.double().numpy(), generated.double().numpy(), metric=kinds[kind.order])
    plan = ot.emd(np.full(counts[0], 1 / counts[0]), np.full(counts[1], 1 / counts[1]), cost)
    expected = (plan * cost).sum() ** (1 / kind.order)
    assert measure(real, generated, kind) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("counts", [(200, 200), (200, 130)])
def test_agrees_with_scipy_on_the_line(counts):
    real, generated = normal(counts[0], 1), normal(counts[1], 1, seed=1).exp()
    expected = wasserstein_distance(real[:, 0], generated[:, 0])
    assert measure(real, generated) == pytest.approx(expected, rel=1e-6)


def test_the_distance_of_gaussians_is_approached():
    mixing = torch.tensor([[1.5, 0.5], [0.0, 0.7]])
    real, generated = normal(1000, 2), normal(1000, 2, seed=1) @ mixing + torch.tensor([2.0, 0.0])
    covariance = (mixing.T @ mixing).double().numpy()
    squared = 4 + 2 + np.trace(covariance) - 2 * np.trace(sqrtm(covariance).real)
    assert measure(real, generated, Wasserstein2) == pytest.approx(squared**0.5, rel=0.05)


@both
def test_a_set_against_itself_in_any_order_is_zero(kind):
    points = normal(50, 3)
    assert measure(points, points.flip(0), kind) == 0
    assert measure(points, points.repeat(2, 1), kind) == pytest.approx(0, abs=1e-7)


@both
def test_a_shift_moves_everything_by_its_length(kind):
    points = normal(50, 2)
    shifted = points + torch.tensor([3.0, 4.0])
    assert measure(points, shifted, kind) == pytest.approx(5, rel=1e-6)


@both
def test_is_symmetric_scales_and_obeys_the_triangle_inequality(kind):
    a, b, c = normal(40, 2), 2 * normal(30, 2, seed=1), normal(40, 2, seed=2) + 1
    assert measure(a, b, kind) == pytest.approx(measure(b, a, kind), rel=1e-6)
    assert measure(3 * a, 3 * b, kind) == pytest.approx(3 * measure(a, b, kind), rel=1e-6)
    assert measure(a, c, kind) <= measure(a, b, kind) + measure(b, c, kind)


def test_the_second_is_at_least_the_first():
    a, b = normal(60, 3), normal(60, 3, seed=1).exp()
    assert measure(a, b) < measure(a, b, Wasserstein2)


@both
def test_the_floor_is_the_distance_between_halves_of_the_real_samples(kind):
    real, other = normal(201, 2), normal(201, 2, seed=1)
    values = measure(real, other, kind, floor=True)
    expected = measure(*halves(real), kind)
    assert values[f"{kind.name}_floor"] == pytest.approx(expected, rel=1e-6)
    assert [len(half) for half in halves(real)] == [100, 100]
    assert values[kind.name] == pytest.approx(measure(real, other, kind), rel=1e-6)
    # Between half as many samples of the same distribution it is a little higher, and no more.
    assert values[kind.name] < 1.5 * values[f"{kind.name}_floor"] < 3 * values[kind.name]
    sorted_real = real[real[:, 0].argsort()]
    floor = measure(sorted_real, other, kind, floor=True)[f"{kind.name}_floor"]
    assert floor < 1.3 * values[f"{kind.name}_floor"]


def test_more_samples_than_the_limit_are_an_error():
    assert measure(normal(10, 2), normal(10, 2), limit=10) == 0
    for counts in ((10, 9), (9, 10)):
        with pytest.raises(InputError, match=f"limit=9 .* got {counts[0]} real and {counts[1]}"):
            measure(normal(counts[0], 2), normal(counts[1], 2), limit=9)


def test_a_floor_needs_two_real_samples():
    with pytest.raises(InputError, match="at least 2 real"):
        measure(normal(1, 2), normal(5, 2), floor=True)


@pytest.mark.parametrize("limit", [0, -5, 2.5])
def test_the_limit_must_be_a_positive_whole_number(limit):
    with pytest.raises(InputError, match="limit"):
        Wasserstein1(limit=limit, floor=False)
