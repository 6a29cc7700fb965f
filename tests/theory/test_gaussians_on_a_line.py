import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ganzoo.errors import InputError
from ganzoo.losses import divergences as zoo
from ganzoo.theory import densities, gaussians
from ganzoo.theory import gaussians_on_a_line as line
from ganzoo.theory.gaussians import gaussian, isotropic


def one(mean, deviation):
    return isotropic(torch.tensor([mean], dtype=torch.float64), deviation)


numbers = {"mean": st.floats(-5, 5), "deviation": st.floats(0.05, 4)}


@settings(max_examples=10, deadline=None)
@given(**numbers)
def test_wasserstein1_is_scipys_integral_of_quantiles(mean, deviation):
    p, q = stats.norm(mean, deviation), stats.norm(0.3, 1.0)
    points = [(0.3 * deviation - mean) / (deviation - 1)] if abs(deviation - 1) > 0.05 else []
    expected = sum(
        integrate.quad(lambda x: abs(p.cdf(x) - q.cdf(x)), low, high, limit=500)[0]
        for low, high in zip(
            sorted([-60, *(x for x in points if abs(x) < 60)]),
            sorted([60, *(x for x in points if abs(x) < 60)]),
            strict=True,
        )
    )
    value = line.wasserstein1(one(mean, deviation), one(0.3, 1.0)).item()
    assert value == pytest.approx(expected, rel=1e-5, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(**numbers)
def test_total_variation_by_crossings_is_that_of_quadrature(mean, deviation):
    value = line.total_variation(one(mean, deviation), one(0.3, 1.0)).item()
    expected = densities.divergence(
        zoo.TotalVariation(), densities.normal(mean, deviation), densities.normal(0.3, 1.0)
    )
    assert value == pytest.approx(expected.item(), abs=1e-9)
    assert 0 <= value <= 1


def test_jensen_shannon_is_scipys_integral():
    p, q = stats.norm(0.4, 1.3), stats.norm(-0.2, 0.7)

    def integrand(x):
        a, b = p.pdf(x), q.pdf(x)
        return stats.entropy([a, b]) * -(a + b) / 2 + math.log(2) * (a + b) / 2

    expected, _ = integrate.quad(integrand, -8, 9, limit=500, epsabs=1e-12)
    assert line.jensen_shannon(one(0.4, 1.3), one(-0.2, 0.7)).item() == pytest.approx(
        expected, rel=1e-8
    )


@pytest.mark.parametrize("kind", [zoo.KullbackLeibler(), zoo.PearsonChiSquared()])
def test_common_covariance_in_many_dimensions_is_a_matter_of_the_mahalanobis_distance(kind):
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    covariance = factor @ factor.T + torch.eye(5, dtype=torch.float64)
    means = torch.randn(2, 5, generator=generator, dtype=torch.float64)
    p, q = (gaussian(mean, covariance) for mean in means)
    closed = {
        zoo.KullbackLeibler: gaussians.kullback_leibler,
        zoo.PearsonChiSquared: gaussians.pearson_chi_squared,
    }[type(kind)]
    assert line.divergence(kind, p, q).item() == pytest.approx(closed(p, q).item(), rel=1e-8)
    value = line.total_variation(p, q).item()
    distance = gaussians.mahalanobis(means[0], q).item()
    assert value == pytest.approx(2 * stats.norm.cdf(distance / 2) - 1, rel=1e-11)
    apart = torch.linalg.vector_norm(means[0] - means[1]).item()
    assert line.wasserstein1(p, q).item() == pytest.approx(apart, rel=1e-12)


def test_total_variation_of_many_dimensions_is_that_of_monte_carlo():
    p = isotropic(torch.tensor([0.5, 0.0, 0.3]), 0.8)
    q = isotropic(torch.zeros(3), 0.8)
    samples = q.sample(200_000, torch.Generator().manual_seed(0))
    values = ((p.log_density(samples) - q.log_density(samples)).exp() - 1).abs() / 2
    error = values.std().item() / math.sqrt(len(values))
    assert abs(line.total_variation(p, q).item() - values.mean().item()) < 4 * error


@pytest.mark.parametrize("epsilon", [1e-9, 1e-6, 1e3])
def test_scale_does_not_matter(epsilon):
    for function in (line.jensen_shannon, line.total_variation):
        value = function(one(2 * epsilon, epsilon), one(0.5 * epsilon, 0.7 * epsilon))
        torch.testing.assert_close(value, function(one(2.0, 1.0), one(0.5, 0.7)))


@pytest.mark.parametrize("function", [line.jensen_shannon, line.total_variation, line.wasserstein1])
@pytest.mark.parametrize("deviation", [0.6, 1.0, 1.7])
def test_gradients_are_those_of_finite_differences(function, deviation):
    def value(mean, width):
        return function(
            gaussian(mean[None], width[None, None].square()),
            gaussian(torch.zeros(1), torch.ones(1, 1)),
        )

    place = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    width = torch.tensor(deviation, dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(value(place, width), (place, width))
    step = 1e-4
    by_place = (value(place + step, width) - value(place - step, width)) / (2 * step)
    by_width = (value(place, width + step) - value(place, width - step)) / (2 * step)
    assert slopes[0].item() == pytest.approx(by_place.item(), rel=1e-5, abs=1e-7)
    if deviation != 1.0:
        assert slopes[1].item() == pytest.approx(by_width.item(), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("function", [line.jensen_shannon, line.total_variation, line.wasserstein1])
def test_equal_gaussians_are_not_apart(function):
    assert function(one(0.3, 0.2), one(0.3, 0.2)).item() == 0


@pytest.mark.parametrize("function", [line.jensen_shannon, line.total_variation, line.wasserstein1])
def test_different_covariances_in_several_dimensions_are_refused(function):
    with pytest.raises(InputError, match="not for different covariances in 2 dimensions"):
        function(isotropic(torch.zeros(2), 1.0), isotropic(torch.zeros(2), 1.1))
    with pytest.raises(InputError, match="dimensions"):
        function(isotropic(torch.zeros(2), 1.0), isotropic(torch.zeros(1), 1.0))
