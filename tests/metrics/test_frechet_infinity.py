import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics.fid import FrechetDistance
from ganzoo.metrics.frechet_infinity import FrechetInfinity, fit_line

SETTINGS = {"points": 15, "smallest": 0.2, "seed": 0}


def normal(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random, dtype=torch.float64)


def measure(real, generated, metric=None, **settings):
    metric = metric or FrechetInfinity(**(SETTINGS | settings))
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return {name: value.item() for name, value in metric.compute().items()}


def test_it_is_much_nearer_to_the_distance_of_known_gaussians_than_the_fid():
    scales, shift = torch.linspace(0.8, 1.2, 60, dtype=torch.float64), 0.05
    exact = (scales - 1).square().sum().item() + 60 * shift**2
    real = normal(40_000, 60)
    errors = {"fid": [], "fid_infinity": []}
    for seed in range(1, 5):
        generated = normal(1500, 60, seed=seed) * scales + shift
        values = measure(real, generated) | measure(real, generated, FrechetDistance())
        for name, found in errors.items():
            found.append(abs(values[name] - exact))
    assert min(errors["fid"]) > 0.5
    assert max(errors["fid_infinity"]) < 0.2
    assert np.mean(errors["fid_infinity"]) < 0.15 * np.mean(errors["fid"])


def test_samples_of_the_same_distribution_are_at_about_zero():
    real, generated = normal(40_000, 40), normal(1000, 40, seed=1)
    biased = measure(real, generated, FrechetDistance())["fid"]
    assert abs(measure(real, generated)["fid_infinity"]) < 0.1 * biased


def test_the_number_of_samples_matters_much_less_than_to_the_fid():
    real = normal(20_000, 40)
    few, many = ([1.1 * normal(n, 40, seed=s) for s in range(1, 6)] for n in (500, 2000))

    def difference(name, metric=None):
        values = [
            np.mean([measure(real, one, metric and metric())[name] for one in several])
            for several in (few, many)
        ]
        return values[0] - values[1]

    assert abs(difference("fid_infinity")) < 0.15 * difference("fid", FrechetDistance)


def test_the_line_is_that_of_least_squares():
    positions = 1 / torch.linspace(100, 1000, 10, dtype=torch.float64)
    values = 3 + 50 * positions + 0.01 * normal(10)
    slope, expected = np.polyfit(positions, values, 1)
    intercept, fit = fit_line(positions, values)
    assert intercept == pytest.approx(expected, rel=1e-9)
    left = values - expected - slope * positions
    assert fit == pytest.approx(1 - (left.var() / values.var()).item(), rel=1e-9)
    assert fit_line(positions, 2 * positions + 1) == pytest.approx((1, 1))
    assert fit_line(positions, torch.full_like(positions, 4.0)) == (4, 1)


def test_a_strong_bias_is_a_straight_line():
    assert measure(normal(20_000, 40), normal(1000, 40, seed=1))["fid_infinity_fit"] > 0.95


def test_the_seed_decides_and_the_random_state_is_left_alone():
    real, generated = normal(500, 5), normal(200, 5, seed=1)
    state = torch.get_rng_state()
    assert measure(real, generated) == measure(real, generated)
    assert measure(real, generated, seed=1) != measure(real, generated)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("settings, least", [({}, 18), ({"points": 3, "smallest": 0.01}, 200)])
def test_as_many_samples_are_needed_as_give_different_numbers(settings, least):
    measure(normal(50, 2), normal(least, 2), **settings)
    with pytest.raises(InputError, match=f"at least {least} generated samples, got {least - 1}"):
        measure(normal(50, 2), normal(least - 1, 2), **settings)
    with pytest.raises(InputError, match="at least 2 real samples, got 1"):
        measure(normal(1, 2), normal(least, 2), **settings)


@pytest.mark.parametrize("setting", [{"points": 2}, {"smallest": 0}, {"smallest": 1}])
def test_settings_are_checked(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        FrechetInfinity(**(SETTINGS | setting))
