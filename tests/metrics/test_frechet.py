import math

import mpmath
import numpy as np
import pytest
import torch
from scipy import linalg

from ganzoo.errors import InputError
from ganzoo.metrics import frechet
from ganzoo.metrics.frechet import frechet_distance


def samples(count, features, *, decades, seed, mean=0.0):
    """Samples whose standard deviations fall over some decades, in a turned coordinate system."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(99).standard_normal((features, features)))[0]
    scales = np.logspace(0, -decades, features)
    return random.standard_normal((count, features)) * scales @ turn + mean


def statistics(features):
    return features.mean(axis=0), np.cov(features, rowvar=False)


def distance(first, second):
    return frechet_distance(*map(torch.as_tensor, (*first, *second))).item()


def from_roots(first, second):
    """The textbook formula, with scipy's matrix square root."""
    root = linalg.sqrtm(first[1] @ second[1])
    apart = np.sum((first[0] - second[0]) ** 2)
    return apart + np.trace(first[1]) + np.trace(second[1]) - 2 * np.trace(root).real


def from_samples(first, second):
    """Singular values of the product of centred samples: no covariance, no root."""
    means = first.mean(axis=0), second.mean(axis=0)
    centred = [(x - m) / math.sqrt(len(x) - 1) for x, m in zip((first, second), means, strict=True)]
    total = linalg.svdvals(centred[0] @ centred[1].T).sum()
    spread = sum(np.sum(x**2) for x in centred)
    return np.sum((means[0] - means[1]) ** 2) + spread - 2 * total


@pytest.mark.parametrize("decades", [0, 1, 2])
def test_agrees_with_scipys_matrix_root(decades):
    first = statistics(samples(400, 60, decades=decades, seed=0))
    second = statistics(samples(300, 60, decades=decades + 0.2, seed=1, mean=0.05))
    assert distance(first, second) == pytest.approx(from_roots(first, second), rel=1e-9)


@pytest.mark.parametrize("counts", [(30, 30), (59, 59), (60, 61), (30, 400), (10, 40), (2, 3)])
@pytest.mark.parametrize("decades", [0, 3])
def test_fewer_samples_than_features(counts, decades):
    first = samples(counts[0], 60, decades=decades, seed=0)
    second = samples(counts[1], 60, decades=decades, seed=1, mean=0.01)
    measured = distance(statistics(first), statistics(second))
    assert measured == pytest.approx(from_samples(first, second), rel=1e-11)


@pytest.mark.parametrize("decades", [4, 6, 8])
def test_badly_conditioned_covariances(decades):
    first = samples(300, 60, decades=decades, seed=0)
    second = samples(300, 60, decades=decades + 0.5, seed=1)
    measured = distance(statistics(first), statistics(second))
    assert measured == pytest.approx(from_samples(first, second), rel=1e-11)


def test_agrees_with_fifty_digits():
    first = statistics(samples(20, 5, decades=3, seed=0))
    second = statistics(samples(20, 5, decades=2, seed=1, mean=1e-3))
    with mpmath.workdps(50):
        product = mpmath.matrix(first[1].tolist()) * mpmath.matrix(second[1].tolist())
        eigenvalues = mpmath.eig(product, left=False, right=False)
        root = mpmath.fsum(mpmath.sqrt(mpmath.re(value)) for value in eigenvalues)
        spread = mpmath.fsum([*first[1].diagonal().tolist(), *second[1].diagonal().tolist()])
        apart = mpmath.fsum(
            (mpmath.mpf(a) - b) ** 2 for a, b in zip(first[0], second[0], strict=True)
        )
        exact = float(apart + spread - 2 * root)
    assert distance(first, second) == pytest.approx(exact, rel=1e-12)


def test_commuting_covariances_have_a_closed_form():
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.standard_normal((40, 40)))[0]
    deviations = random.uniform(0.1, 3, (2, 40))
    deviations[0, :5] = 0
    covariances = [(turn * d**2) @ turn.T for d in deviations]
    means = random.standard_normal((2, 40))
    exact = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    measured = distance((means[0], covariances[0]), (means[1], covariances[1]))
    assert measured == pytest.approx(exact, rel=1e-12)


def test_points_without_spread():
    zero = np.zeros((3, 3))
    first, second = (np.zeros(3), zero), (np.ones(3), np.diag([4.0, 0, 1]))
    assert distance(first, second) == pytest.approx(3 + 5)
    assert distance(first, (np.ones(3), zero)) == 3


@pytest.mark.parametrize("count", [20, 60, 400])
@pytest.mark.parametrize("decades", [0, 3])
def test_a_set_against_itself_is_zero(count, decades):
    features = samples(count, 60, decades=decades, seed=0, mean=3.0)
    same = statistics(features)
    assert distance(same, same) == 0
    permuted = statistics(features[np.random.default_rng(1).permutation(count)])
    assert 0 <= distance(same, permuted) < 1e-10


def test_it_is_symmetric_and_of_the_second_degree():
    first = statistics(samples(100, 30, decades=1, seed=0))
    second = statistics(samples(20, 30, decades=1, seed=1))
    forward = distance(first, second)
    assert distance(second, first) == pytest.approx(forward, rel=1e-12)
    scaled = [(1e-3 * mean, 1e-6 * covariance) for mean, covariance in (first, second)]
    assert distance(*scaled) == pytest.approx(1e-6 * forward, rel=1e-12)


@pytest.fixture
def singular_value_calls(monkeypatch):
    calls = []
    compute = linalg.svdvals

    def counted(*arguments, **options):
        calls.append(1)
        return compute(*arguments, **options)

    monkeypatch.setattr(frechet.linalg, "svdvals", counted)
    return calls


@pytest.mark.parametrize("decades", [0, 2, 4, 8])
@pytest.mark.parametrize("counts", [(300, 300), (30, 300), (300, 30), (40, 40)])
def test_squaring_costs_nothing_where_pivots_fall_off(singular_value_calls, decades, counts):
    first = samples(counts[0], 60, decades=decades, seed=0)
    second = samples(counts[1], 60, decades=decades, seed=1)
    measured = distance(statistics(first), statistics(second))
    assert not singular_value_calls
    assert measured == pytest.approx(from_samples(first, second), rel=1e-11)


def test_singular_values_are_computed_where_squaring_would_lose_digits(singular_value_calls):
    random = np.random.default_rng(0)
    turn = np.linalg.qr(random.standard_normal((60, 60)))[0]
    first = random.standard_normal((300, 40)) @ turn[:40]
    second = random.standard_normal((300, 40)) @ turn[20:]
    measured = distance(statistics(first), statistics(second))
    assert len(singular_value_calls) == 1
    assert measured == pytest.approx(from_samples(first, second), rel=1e-11)


def test_it_is_float64_without_a_gradient():
    mean, covariance = torch.zeros(3, requires_grad=True), torch.eye(3)
    measured = frechet_distance(mean, covariance, mean + 1, 4 * covariance)
    assert measured.dtype == torch.float64 and not measured.requires_grad
    assert measured.item() == pytest.approx(6, rel=1e-15)


def test_wrong_input():
    mean, covariance = torch.zeros(3), torch.eye(3)
    with pytest.raises(InputError, match=r"not \[3\], \[3, 3\] and \[2\], \[3, 3\]"):
        frechet_distance(mean, covariance, mean[:2], covariance)
    with pytest.raises(InputError, match="finite"):
        frechet_distance(mean, covariance * torch.nan, mean, covariance)
