import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torch.distributions import MultivariateNormal, kl_divergence

from ganzoo.errors import InputError
from ganzoo.penalties.moment_distances import (
    Bures,
    GaussianKullbackLeibler,
    SquaredFrobenius,
    covariance,
)

FROBENIUS, BURES = SquaredFrobenius(), Bures()
DISTANCES = {
    "frobenius": FROBENIUS,
    "kullback_leibler": GaussianKullbackLeibler(ridge=0.01),
    "bures": BURES,
}
every_distance = pytest.mark.parametrize("distance", DISTANCES.values(), ids=DISTANCES)


def batches(real=30, fake=20, features=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(2, features, features, generator=generator, dtype=torch.float64)
    first = torch.randn(real, features, generator=generator, dtype=torch.float64) @ mixing[0]
    second = torch.randn(fake, features, generator=generator, dtype=torch.float64) @ mixing[1]
    return first, second + 0.5


def moments(features):
    data = features.detach().numpy()
    return data.mean(axis=0), np.cov(data.T, bias=True).reshape(data.shape[1], -1)


def test_covariance_is_numpys():
    features, _ = batches()
    assert np.allclose(covariance(features).numpy(), moments(features)[1])


@pytest.mark.parametrize("seed", range(3))
def test_frobenius_by_numpy(seed):
    real, fake = batches(seed=seed)
    (mean, cov), (other_mean, other_cov) = moments(real), moments(fake)
    expected = ((mean - other_mean) ** 2).sum() + np.linalg.norm(cov - other_cov, "fro") ** 2
    assert FROBENIUS(real, fake).item() == pytest.approx(expected)


@pytest.mark.parametrize(("real", "fake"), [(30, 20), (20, 30), (25, 25)])
def test_bures_by_scipy(real, fake):
    real, fake = batches(real, fake)
    (mean, cov), (other_mean, other_cov) = moments(real), moments(fake)
    root = sqrtm(cov)
    cross = np.trace(sqrtm(root @ other_cov @ root)).real
    expected = ((mean - other_mean) ** 2).sum() + np.trace(cov + other_cov) - 2 * cross
    assert BURES(real, fake).item() == pytest.approx(expected, rel=1e-9)


def test_bures_of_one_feature_is_the_distance_of_means_and_deviations():
    real, fake = batches(features=1)
    expected = (real.mean() - fake.mean()) ** 2
    expected += (real.std(correction=0) - fake.std(correction=0)) ** 2
    assert BURES(real, fake).item() == pytest.approx(expected.item())


@pytest.mark.parametrize("seed", range(3))
def test_kullback_leibler_by_torch_distributions(seed):
    real, fake = batches(seed=seed)
    ridge = 0.02 * torch.eye(4) * covariance(real).trace()
    theirs = MultivariateNormal(real.mean(0), covariance(real) + ridge)
    mine = MultivariateNormal(fake.mean(0), covariance(fake) + ridge)
    value = GaussianKullbackLeibler(ridge=0.02)(real, fake)
    assert value.item() == pytest.approx(kl_divergence(mine, theirs).item(), rel=1e-6)


def test_kullback_leibler_of_equal_covariances_is_half_the_squared_mahalanobis_distance():
    real, _ = batches()
    step = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64)
    value = GaussianKullbackLeibler(ridge=1e-9)(real, real + step)
    expected = step.numpy() @ np.linalg.solve(moments(real)[1], step.numpy()) / 2
    assert value.item() == pytest.approx(expected, rel=1e-5)


@every_distance
def test_equal_batches_have_no_distance_and_no_gradient(distance):
    real, _ = batches()
    fake = real.clone().requires_grad_()
    value = distance(real, fake)
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-12)
    assert fake.grad.abs().max() < 1e-6


@every_distance
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), real=st.integers(1, 8), fake=st.integers(1, 8))
def test_it_is_not_negative_and_does_not_change_when_the_axes_are_turned(
    distance, seed, real, fake
):
    first, second = batches(real, fake, features=5, seed=seed)
    turn, _ = torch.linalg.qr(torch.randn(5, 5, dtype=torch.float64))
    value = distance(first, second)
    assert value >= 0
    torch.testing.assert_close(distance(first @ turn, second @ turn), value)


@every_distance
@pytest.mark.parametrize(("real", "fake"), [(30, 20), (3, 4), (4, 3), (2, 9), (9, 2)])
def test_gradients_are_those_of_finite_differences_also_without_full_rank(distance, real, fake):
    real, fake = batches(real, fake, features=6)
    assert torch.autograd.gradcheck(lambda f: distance(real, f), fake.requires_grad_(), atol=1e-6)


@every_distance
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_float32_agrees_with_float64_without_full_rank(distance, scale):
    real, fake = (scale * data for data in batches(8, 8, features=64))
    exact = distance(real, fake)
    found = distance(real.float(), fake.float()).double()
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=0)


@every_distance
def test_collapsed_batches_have_finite_gradients(distance):
    real, _ = batches(8, 8)
    for theirs, mine in ((real, real[:1].repeat(8, 1)), (0 * real, real), (0 * real, 0 * real)):
        fake = mine.clone().float().requires_grad_()
        value = distance(theirs.float(), fake)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(fake.grad).all()


def test_kullback_leibler_pushes_out_of_a_collapse_hardest():
    """A batch that has shrunk to a tenth costs it far more than one that is ten times as wide."""
    real, _ = batches(200)
    centre = real.mean(0)
    values = [
        GaussianKullbackLeibler(ridge=1e-9)(real, centre + factor * (real - centre))
        for factor in (0.1, 10.0)
    ]
    # (0.01 - 1) / 2 + ln 10 and (100 - 1) / 2 - ln 10, for each of four features
    assert values[0].item() == pytest.approx(4 * (-0.495 + np.log(10)), rel=1e-3)
    assert values[1].item() == pytest.approx(4 * (49.5 - np.log(10)), rel=1e-3)


@pytest.mark.parametrize("ridge", [0.0, -1.0, float("nan")])
def test_a_ridge_must_be_positive(ridge):
    with pytest.raises(InputError, match="ridge must be a positive number"):
        GaussianKullbackLeibler(ridge=ridge)
