import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from ganzoo.errors import InputError
from ganzoo.metrics import SlicedWasserstein1, SlicedWasserstein2, Wasserstein1, sliced
from ganzoo.metrics.sliced import random_directions


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measure(real, generated, kind=SlicedWasserstein1, projections=50, seed=0):
    metric = kind(projections=projections, seed=seed, limit=10000, floor=False)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return metric.compute()[kind.name].item()


def distance_on_the_line(first, second, order):
    if order == 1:
        return wasserstein_distance(first, second)
    # Each set repeated to the same number, so that the best plan pairs them in order.
    same = math.lcm(len(first), len(second))
    pairs = [np.sort(points.repeat(same // len(points))) for points in (first, second)]
    return np.sqrt(np.square(pairs[0] - pairs[1]).mean())


both = pytest.mark.parametrize("kind", [SlicedWasserstein1, SlicedWasserstein2])


@both
@pytest.mark.parametrize("counts", [(40, 40), (40, 25), (3, 7), (1, 30), (1, 1)])
def test_is_the_mean_over_directions_of_the_distance_on_the_line(kind, counts, monkeypatch):
    monkeypatch.setattr(sliced, "_VALUES", 1000)
    real, generated = normal(counts[0], 6), normal(counts[1], 6, seed=1).exp()
    directions = random_directions(6, 50, 0)
    lines = zip((real.double() @ directions).T, (generated.double() @ directions).T, strict=True)
    expected = np.mean([distance_on_the_line(*line, kind.order) ** kind.order for line in lines])
    assert measure(real, generated, kind) == pytest.approx(expected ** (1 / kind.order), rel=1e-6)


def test_directions_are_unit_vectors_spread_over_the_sphere():
    directions = random_directions(4, 5000, 3)
    torch.testing.assert_close(directions.norm(dim=0), torch.ones(5000, dtype=torch.float64))
    second_moment = directions @ directions.T / 5000
    assert (second_moment - torch.eye(4) / 4).abs().max() < 0.01


def test_a_shift_in_the_plane_is_its_mean_projection():
    points = normal(20, 2)
    shifted = points + torch.tensor([3.0, 4.0])
    assert measure(points, shifted, projections=4000) == pytest.approx(5 * 2 / math.pi, rel=0.02)
    squared = measure(points, shifted, SlicedWasserstein2, projections=4000) ** 2
    assert squared == pytest.approx(25 / 2, rel=0.03)


@both
def test_a_set_against_itself_in_any_order_is_zero(kind):
    points = normal(50, 3)
    assert measure(points, points.flip(0), kind) == pytest.approx(0, abs=1e-7)
    assert measure(points, points.repeat(3, 1), kind) == pytest.approx(0, abs=1e-7)


def test_is_at_most_the_distance_itself():
    real, generated = normal(60, 5), normal(60, 5, seed=1) + 1
    metric = Wasserstein1(limit=100, floor=False)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    assert measure(real, generated) < metric.compute()["wasserstein"]


def test_the_seed_decides_and_the_random_state_is_left_alone():
    real, generated = normal(30, 5), normal(30, 5, seed=1) + 1
    state = torch.get_rng_state()
    assert measure(real, generated) == measure(real, generated)
    assert measure(real, generated, seed=1) != measure(real, generated)
    assert torch.equal(torch.get_rng_state(), state)


def test_projections_must_be_a_positive_whole_number():
    with pytest.raises(InputError, match="projections"):
        SlicedWasserstein1(projections=0, seed=0, limit=10, floor=False)
