import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import make_swiss_roll

from ganzoo.data.points import Grid, Ring, SwissRoll
from ganzoo.errors import InputError

COUNT = 40_000


def ring(**changes):
    return Ring(**({"modes": 8, "radius": 2.0, "deviation": 0.02} | changes))


def grid(**changes):
    return Grid(**({"side": 5, "spacing": 2.0, "deviation": 0.05} | changes))


def roll(**changes):
    return SwissRoll(**({"noise": 0.25, "scale": 7.5} | changes))


def draw(distribution, count=COUNT, seed=0):
    return distribution.sample(count, torch.Generator().manual_seed(seed))


MIXTURES = pytest.mark.parametrize("mixture", [ring(), grid(), ring(modes=3, deviation=0.5)])


def test_the_ring_has_its_modes_on_the_circle():
    angles = np.arange(8) * math.pi / 4
    expected = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert np.allclose(ring().modes.numpy(), expected, atol=1e-6)
    assert ring().num_classes == 8


def test_the_grid_is_that_of_veegan():
    expected = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(mode) for mode in grid().modes.tolist()} == expected
    assert grid().num_classes == 25


@MIXTURES
def test_points_lie_around_the_mode_of_their_label(mixture):
    points, labels = draw(mixture)
    assert (points.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert points.shape == (COUNT, 2)
    residuals = ((points - mixture.modes[labels]) / mixture.deviation).flatten()
    assert stats.kstest(residuals.numpy(), "norm").pvalue > 1e-3
    first, second = residuals.view(-1, 2).T
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / math.sqrt(COUNT)


@MIXTURES
def test_modes_are_equally_likely(mixture):
    counts = draw(mixture)[1].bincount(minlength=len(mixture.modes))
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


@MIXTURES
def test_the_density_is_that_of_the_mixture(mixture):
    points = torch.cat([draw(mixture, 200)[0], torch.randn(200, 2) * 3]).double()
    parts = [
        stats.multivariate_normal(mode.numpy(), mixture.deviation**2 * np.eye(2)).logpdf(points)
        for mode in mixture.modes.double()
    ]
    expected = np.logaddexp.reduce(parts, axis=0) - math.log(len(parts))
    assert np.allclose(mixture.log_density(points).numpy(), expected, rtol=1e-9, atol=1e-9)
    assert mixture.log_density(points.float()).dtype == torch.float32


def test_the_density_is_finite_far_away():
    assert torch.isfinite(ring().log_density(torch.tensor([[50.0, -50.0]]))).all()


def test_the_roll_is_that_of_scikit_learn():
    ours = draw(roll(), 5000)[0].numpy()
    theirs = make_swiss_roll(5000, noise=0.25, random_state=0)[0][:, [0, 2]] / 7.5
    directions = np.array([[1, 0], [0, 1], [1, 1], [1, -1], [2, 1]])
    for direction in directions:
        assert stats.ks_2samp(ours @ direction, theirs @ direction).pvalue > 1e-3
    radii = (np.linalg.norm(points, axis=1) for points in (ours, theirs))
    assert stats.ks_2samp(*radii).pvalue > 1e-3


def test_the_roll_without_noise_is_a_spiral():
    points, labels = draw(roll(noise=0.0, scale=1.0), 1000)
    assert labels is None
    radius = points.double().norm(dim=1)
    assert radius.min() >= 1.5 * math.pi - 1e-4
    assert radius.max() <= 4.5 * math.pi + 1e-4
    spiral = radius[:, None] * torch.stack([radius.cos(), radius.sin()], dim=1)
    assert torch.allclose(points.double(), spiral, atol=1e-3)


@pytest.mark.parametrize("distribution", [ring(), grid(), roll()])
def test_the_generator_decides_the_points(distribution):
    before = torch.get_rng_state()
    assert torch.equal(draw(distribution, 10)[0], draw(distribution, 10)[0])
    assert not torch.equal(draw(distribution, 10)[0], draw(distribution, 10, seed=1)[0])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (ring, "modes", 0),
        (ring, "modes", 2.5),
        (ring, "radius", -1.0),
        (ring, "deviation", float("nan")),
        (grid, "side", 0),
        (grid, "spacing", 0.0),
        (grid, "deviation", -0.1),
        (roll, "noise", -1.0),
        (roll, "scale", 0.0),
    ],
)
def test_impossible_numbers_are_refused(make, name, value):
    with pytest.raises(InputError, match=rf"^{name} must be "):
        make(**{name: value})
