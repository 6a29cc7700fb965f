import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ganzoo.errors import InputError
from ganzoo.theory import transport
from ganzoo.theory.densities import mixture, normal, uniform
from ganzoo.theory.gaussians import isotropic
from ganzoo.theory.gaussians_on_a_line import wasserstein1

places = st.lists(st.floats(-3, 3), min_size=4, max_size=4)
weights = st.lists(st.sampled_from([0.0, 0.1, 0.4, 1.0]), min_size=4, max_size=4).filter(any)


def distribution(points, shares):
    shares = torch.tensor(shares, dtype=torch.float64)
    return torch.tensor(points, dtype=torch.float64), shares / shares.sum()


@pytest.mark.parametrize("order", [1, 1.5, 2, 3])
@settings(max_examples=40, deadline=None)
@given(x=places, p=weights, y=places, q=weights)
def test_discrete_distance_is_that_of_pots_linear_programme(order, x, p, y, q):
    (x, p), (y, q) = distribution(x, p), distribution(y, q)
    cost = np.abs(x.numpy()[:, None] - y.numpy()[None, :]) ** order
    expected = ot.emd2(p.numpy(), q.numpy(), cost) ** (1 / order)
    value = transport.discrete_wasserstein(x, p, y, q, order).item()
    assert value == pytest.approx(expected, rel=1e-8, abs=1e-9 if order == 1 else 1e-5)
    if order == 1:
        theirs = stats.wasserstein_distance(x.numpy(), y.numpy(), p.numpy(), q.numpy())
        assert value == pytest.approx(theirs, abs=1e-12)


def test_samples_of_different_number():
    x, y = torch.tensor([0.0, 1.0, 5.0]), torch.tensor([2.0])
    value = transport.discrete_wasserstein(x, torch.full((3,), 1 / 3), y, torch.ones(1), 1)
    assert value.item() == pytest.approx((2 + 1 + 3) / 3, rel=1e-6)


@pytest.mark.parametrize("order", [1, 2])
def test_discrete_gradients_are_those_of_finite_differences(order):
    x = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    logits = torch.tensor([0.1, 0.5, -0.3], dtype=torch.float64, requires_grad=True)
    y, q = distribution([0.0, 0.7, 1.6, 4.0], [1.0, 2.0, 3.0, 0.5])

    def value(points, logits):
        return transport.discrete_wasserstein(points, logits.softmax(0), y, q, order)

    assert torch.autograd.gradcheck(value, (x, logits))


def test_two_gaussians_by_quantiles_have_their_closed_form():
    mean = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    def quantiles(levels):
        return mean + 1.4 * torch.special.ndtri(levels)

    value = transport.quantile_wasserstein(quantiles, torch.special.ndtri, 2)
    assert value.item() == pytest.approx(math.hypot(0.7, 0.4), rel=1e-8)
    (slope,) = torch.autograd.grad(value, mean)
    assert slope.item() == pytest.approx(0.7 / math.hypot(0.7, 0.4), rel=1e-8)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_uniform_and_its_square_by_quantiles(order):
    """The quantile functions u and u^2 are the integral of (u - u^2)^r apart, a beta function."""
    value = transport.quantile_wasserstein(lambda u: u, lambda u: u**2, order)
    beta = math.gamma(order + 1) ** 2 / math.gamma(2 * order + 2)
    assert value.item() == pytest.approx(beta ** (1 / order), rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(mean=st.floats(-5, 5), deviation=st.floats(0.1, 4))
def test_densities_of_gaussians_have_their_closed_form(mean, deviation):
    value = transport.density_wasserstein1(normal(mean, deviation), normal(0.3, 1.0)).item()
    p, q = (
        isotropic(torch.tensor([m], dtype=torch.float64), s)
        for m, s in [(mean, deviation), (0.3, 1.0)]
    )
    assert value == pytest.approx(wasserstein1(p, q).item(), rel=1e-8, abs=1e-9)


def test_mixture_is_as_far_as_its_samples_by_quantiles():
    """Against scipy's distance of two fine grids of quantiles."""
    p = mixture(torch.tensor([0.5, 0.5]).double(), [normal(-2.0, 0.3), normal(2.0, 0.5)])
    levels = (np.arange(200_000) + 0.5) / 200_000
    grid = np.linspace(-6, 6, 400_001)
    distribution_function = (stats.norm.cdf(grid, -2, 0.3) + stats.norm.cdf(grid, 2, 0.5)) / 2
    first = np.interp(levels, distribution_function, grid)
    expected = stats.wasserstein_distance(first, stats.norm.ppf(levels))
    assert transport.density_wasserstein1(p, normal(0.0, 1.0)).item() == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize("gap", [0.0, 0.5, 20.0])
def test_disjoint_supports_are_as_far_as_their_means(gap):
    value = transport.density_wasserstein1(uniform(0.0, 1.0), uniform(1 + gap, 3 + gap))
    assert value.item() == pytest.approx(1.5 + gap, rel=1e-10)


def test_gradients_are_those_of_finite_differences():
    def value(mean, deviation):
        return transport.density_wasserstein1(normal(mean, deviation), normal(0.0, 1.0))

    mean, deviation = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.3, 1.8))
    slopes = torch.autograd.grad(value(mean, deviation), (mean, deviation))
    step = 1e-4
    differences = [
        (value(mean + step, deviation) - value(mean - step, deviation)) / (2 * step),
        (value(mean, deviation + step) - value(mean, deviation - step)) / (2 * step),
    ]
    assert [s.item() for s in slopes] == pytest.approx([d.item() for d in differences], rel=1e-5)


@pytest.mark.parametrize("shift", [1e-9, 1e-3, 50.0])
def test_a_shift_is_its_own_distance_at_any_scale(shift):
    value = transport.density_wasserstein1(normal(0.0, 1.0), normal(shift, 1.0)).item()
    assert value == pytest.approx(shift, rel=1e-6)


def test_an_infinite_mean_is_said():
    from ganzoo.theory.densities import Density

    line = (-math.inf, math.inf)
    cauchy = Density(lambda x: -(math.pi * (1 + x.square())).log(), line, (-1.0, 0.0, 1.0))
    with pytest.raises(InputError, match="does not settle: it is infinite"):
        transport.density_wasserstein1(cauchy, normal(0.0, 1.0))


@pytest.mark.parametrize(
    ("p", "order", "message"),
    [
        ([0.5, 0.6], 1, "must sum to 1"),
        ([1.5, -0.5], 1, "must not be negative"),
        ([0.5, 0.2, 0.3], 1, "each place needs a probability"),
        ([0.5, 0.5], 0.5, "order of a Wasserstein distance must be at least 1, not 0.5"),
        ([0.5, 0.5], math.nan, "must be at least 1, not nan"),
    ],
)
def test_wrong_arguments_are_refused(p, order, message):
    points = torch.tensor([0.0, 1.0])
    with pytest.raises(InputError, match=message):
        transport.discrete_wasserstein(
            points, torch.tensor(p), points, torch.tensor([0.5, 0.5]), order
        )
    if order != 1:
        with pytest.raises(InputError, match=message):
            transport.quantile_wasserstein(lambda u: u, lambda u: u, order)
