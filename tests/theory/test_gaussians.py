import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance
from scipy.stats import multivariate_normal

from ganzoo.errors import InputError
from ganzoo.losses import divergences as zoo
from ganzoo.theory import densities
from ganzoo.theory import gaussians as of
from ganzoo.theory.gaussians import gaussian, isotropic

CLOSED = {
    zoo.KullbackLeibler(): of.kullback_leibler,
    zoo.ReverseKullbackLeibler(): lambda p, q: of.kullback_leibler(q, p),
    zoo.PearsonChiSquared(): of.pearson_chi_squared,
    zoo.NeymanChiSquared(): of.neyman_chi_squared,
    zoo.SquaredHellinger(): of.squared_hellinger,
    zoo.Alpha(alpha=0.5): lambda p, q: of.alpha_divergence(p, q, 0.5),
    zoo.Alpha(alpha=-1.0): lambda p, q: of.alpha_divergence(p, q, -1.0),
    zoo.Alpha(alpha=1.5): lambda p, q: of.alpha_divergence(p, q, 1.5),
}
each = pytest.mark.parametrize("kind", CLOSED, ids=lambda kind: repr(kind))


def random_gaussian(seed, dimensions, spread=0.3, shift=0.4):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64)
    factor = torch.eye(dimensions, dtype=torch.float64) + spread * noise / math.sqrt(dimensions)
    mean = shift * torch.randn(dimensions, generator=generator, dtype=torch.float64)
    return gaussian(mean, factor @ factor.T)


def vector(*values):
    return torch.tensor(values, dtype=torch.float64)


@each
@settings(max_examples=12, deadline=None)
@given(mean=st.floats(-2, 2), deviation=st.floats(0.9, 1.15))
def test_closed_forms_are_what_quadrature_gives_in_one_dimension(kind, mean, deviation):
    value = CLOSED[kind](isotropic(vector(mean), deviation), isotropic(vector(0.3), 1.0))
    expected = densities.divergence(
        kind, densities.normal(mean, deviation), densities.normal(0.3, 1.0)
    )
    assert value.item() == pytest.approx(expected.item(), rel=1e-8, abs=1e-11)


@each
def test_closed_forms_are_within_four_standard_errors_of_monte_carlo(kind):
    p, q = random_gaussian(0, 3, 0.15, 0.2), random_gaussian(1, 3, 0.15, 0.2)
    samples = q.sample(200_000, torch.Generator().manual_seed(2))
    u = (p.log_density(samples) - q.log_density(samples)).exp().numpy()
    values = FORMULAS[type(kind)](u, getattr(kind, "alpha", None))
    error = values.std() / math.sqrt(len(values))
    assert abs(CLOSED[kind](p, q).item() - values.mean()) < 4 * error
    assert error < 0.05 * values.mean()


FORMULAS = {
    zoo.KullbackLeibler: lambda u, _: u * np.log(u) - u + 1,
    zoo.ReverseKullbackLeibler: lambda u, _: -np.log(u) + u - 1,
    zoo.PearsonChiSquared: lambda u, _: (u - 1) ** 2,
    zoo.NeymanChiSquared: lambda u, _: (1 - u) ** 2 / u,
    zoo.SquaredHellinger: lambda u, _: (np.sqrt(u) - 1) ** 2,
    zoo.Alpha: lambda u, a: (u**a - 1 - a * (u - 1)) / (a * (a - 1)),
}


@pytest.mark.parametrize("dimensions", [1, 2, 7])
def test_kullback_leibler_is_torchs(dimensions):
    p, q = random_gaussian(3, dimensions), random_gaussian(4, dimensions)
    theirs = [torch.distributions.MultivariateNormal(g.mean, g.covariance) for g in (p, q)]
    expected = torch.distributions.kl_divergence(*theirs)
    torch.testing.assert_close(of.kullback_leibler(p, q), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("epsilon", [1e-12, 1e-6, 1e-3, 1.0, 1e6])
def test_one_variance_is_the_squared_distance_with_its_gradient(epsilon):
    theta = vector(1.5 * epsilon).requires_grad_()
    value = of.kullback_leibler(
        isotropic(theta, epsilon), isotropic(vector(0.5 * epsilon), epsilon)
    )
    assert value.item() == pytest.approx(1 / 2, rel=1e-12)
    (slope,) = torch.autograd.grad(value, theta)
    assert slope.item() == pytest.approx(1 / epsilon, rel=1e-12)


def test_common_covariance_is_half_the_squared_mahalanobis_distance():
    p, other = random_gaussian(5, 4), random_gaussian(6, 4)
    q = gaussian(other.mean, p.covariance)
    expected = distance.mahalanobis(p.mean, q.mean, np.linalg.inv(p.covariance.numpy())) ** 2 / 2
    assert of.kullback_leibler(p, q).item() == pytest.approx(expected, rel=1e-11)
    assert of.mahalanobis(p.mean, q).item() ** 2 / 2 == pytest.approx(expected, rel=1e-11)


def test_mahalanobis_is_scipys_for_many_points():
    q = random_gaussian(7, 3)
    points = random_gaussian(8, 3).sample(5, torch.Generator().manual_seed(0))
    inverse = np.linalg.inv(q.covariance.numpy())
    expected = [distance.mahalanobis(point, q.mean, inverse) for point in points.numpy()]
    np.testing.assert_allclose(of.mahalanobis(points, q).numpy(), expected, rtol=1e-11)


def test_log_density_is_scipys():
    q = random_gaussian(9, 4)
    points = q.sample(6, torch.Generator().manual_seed(0))
    expected = multivariate_normal(q.mean.numpy(), q.covariance.numpy()).logpdf(points.numpy())
    np.testing.assert_allclose(q.log_density(points).numpy(), expected, rtol=1e-11)


@pytest.mark.parametrize("dimensions", [1, 2, 6])
def test_wasserstein_is_pots_bures_distance(dimensions):
    p, q = random_gaussian(10, dimensions), random_gaussian(11, dimensions)
    expected = ot.gaussian.bures_wasserstein_distance(
        *(values.numpy() for values in (p.mean, q.mean, p.covariance, q.covariance))
    )
    assert of.wasserstein2(p, q).item() == pytest.approx(float(expected), rel=1e-8)
    assert of.squared_wasserstein2(p, q).item() == pytest.approx(float(expected) ** 2, rel=1e-8)


def test_wasserstein_of_commuting_covariances_is_that_of_deviations():
    p = gaussian(vector(1.0, 0.0), torch.diag(vector(4.0, 9.0)))
    q = gaussian(vector(0.0, 2.0), torch.diag(vector(1.0, 16.0)))
    assert of.squared_wasserstein2(p, q).item() == pytest.approx(1 + 4 + 1 + 1, rel=1e-13)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e5])
def test_wasserstein_of_close_gaussians_keeps_its_digits(scale):
    p = isotropic(scale * vector(0.0, 0.0), scale)
    q = isotropic(scale * vector(0.0, 0.0), scale * (1 + 1e-8))
    assert of.wasserstein2(p, q).item() == pytest.approx(scale * math.sqrt(2) * 1e-8, rel=1e-6)
    assert of.kullback_leibler(p, q).item() == pytest.approx(2e-16, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seeds=st.lists(st.integers(0, 10_000), min_size=3, max_size=3), dimensions=st.integers(1, 5))
def test_wasserstein_is_a_distance_and_hellinger_is_symmetric(seeds, dimensions):
    a, b, c = (random_gaussian(seed, dimensions) for seed in seeds)
    assert of.wasserstein2(a, c) <= of.wasserstein2(a, b) + of.wasserstein2(b, c) + 1e-12
    torch.testing.assert_close(of.wasserstein2(a, b), of.wasserstein2(b, a))
    torch.testing.assert_close(of.squared_hellinger(a, b), of.squared_hellinger(b, a))
    assert of.wasserstein2(a, a) < 1e-14
    assert of.kullback_leibler(a, b) >= of.squared_hellinger(a, b) - 1e-12


@pytest.mark.parametrize(
    "function",
    [
        of.kullback_leibler,
        of.squared_hellinger,
        of.pearson_chi_squared,
        of.neyman_chi_squared,
        of.wasserstein2,
        of.squared_wasserstein2,
    ],
)
def test_gradients_are_those_of_finite_differences(function):
    p, q = random_gaussian(12, 3, 0.1), random_gaussian(13, 3, 0.1)

    def value(mean, covariance, other_mean, other_covariance):
        symmetric = [(c + c.T) / 2 for c in (covariance, other_covariance)]
        return function(gaussian(mean, symmetric[0]), gaussian(other_mean, symmetric[1]))

    arguments = (p.mean, p.covariance, q.mean, q.covariance)
    assert torch.autograd.gradcheck(value, [each.clone().requires_grad_() for each in arguments])


def test_gradients_between_equal_gaussians_are_zero():
    mean = vector(0.5, 1.0).requires_grad_()
    same = isotropic(vector(0.5, 1.0), 2.0)
    for function in (of.wasserstein2, of.kullback_leibler, of.squared_hellinger):
        (slope,) = torch.autograd.grad(function(isotropic(mean, 2.0), same), mean)
        assert slope.abs().max() < 1e-15


@pytest.mark.parametrize("epsilon", [1e-7, 1.0])
def test_five_hundred_dimensions_stay_exact(epsilon):
    mean = torch.full((500,), 0.1 * epsilon, dtype=torch.float64)
    p, q = isotropic(mean, epsilon), isotropic(torch.zeros(500).double(), 1.2 * epsilon)
    kl = 500 * (math.log(1.2) + (1 + 0.01) / (2 * 1.44) - 0.5)
    assert of.kullback_leibler(p, q).item() == pytest.approx(kl, rel=1e-11)
    distance_2 = epsilon * math.sqrt(500 * (0.01 + 0.04))
    assert of.wasserstein2(p, q).item() == pytest.approx(distance_2, rel=1e-10)
    overlap = 500 * (0.5 * math.log(2 * 1.2 / 2.44) - 0.01 / (4 * 2.44))
    assert of.log_power_integral(p, q, 0.5).item() == pytest.approx(overlap, rel=1e-11)
    chi = of.pearson_chi_squared(p, q).item()
    one = of.pearson_chi_squared(
        isotropic(mean[:1], epsilon), isotropic(0 * mean[:1], 1.2 * epsilon)
    )
    assert math.log1p(chi) == pytest.approx(500 * math.log1p(one.item()), rel=1e-10)
    rough = random_gaussian(14, 500, 0.5)
    assert 0 < of.kullback_leibler(rough, random_gaussian(15, 500, 0.5)).item() < math.inf


def test_chi_squared_is_infinite_where_the_tails_are_too_wide():
    wide, narrow = isotropic(vector(0.0), 1.5), isotropic(vector(0.0), 1.0)
    assert of.pearson_chi_squared(wide, narrow).item() == math.inf
    assert of.neyman_chi_squared(narrow, wide).item() == math.inf
    assert of.pearson_chi_squared(narrow, wide).item() < math.inf


EYE = torch.eye(2)
STANDARD = isotropic(torch.zeros(2), 1.0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: gaussian(torch.zeros(2), torch.zeros(2, 2)), "smallest eigenvalue is 0"),
        (lambda: gaussian(torch.zeros(2), -EYE), "positive definite, but its smallest eigenvalue"),
        (lambda: gaussian(torch.zeros(2), EYE.triu(1) + EYE + torch.ones(2, 2).triu(1)),
         "symmetric, but two entries that mirror each other differ by 1"),
        (lambda: gaussian(torch.zeros(3), EYE), r"a mean \[D\] and a covariance \[D, D\], not"),
        (lambda: gaussian(torch.tensor([0.0, math.nan]), EYE), "must be finite"),
        (lambda: isotropic(torch.zeros(2), 0.0), "deviation must be positive, not 0"),
        (lambda: isotropic(torch.zeros(2, 2), 1.0), "a mean \\[D\\] and a scalar"),
        (lambda: of.mahalanobis(torch.zeros(3), STANDARD), "2 dimensions, not 3"),
        (lambda: of.alpha_divergence(STANDARD, STANDARD, 1.0),
         "alpha must be finite and neither 0 nor 1"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.parametrize("function", [of.kullback_leibler, of.wasserstein2, of.squared_hellinger])
def test_different_dimensions_are_refused(function):
    with pytest.raises(InputError, match="as many dimensions, not 2 and 3"):
        function(isotropic(torch.zeros(2), 1.0), isotropic(torch.zeros(3), 1.0))
