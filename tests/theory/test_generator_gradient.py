import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ganzoo.errors import InputError
from ganzoo.losses import FGAN, Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein
from ganzoo.losses import divergences as zoo
from ganzoo.losses.f_gan import SaddlePointObjective
from ganzoo.theory import densities
from ganzoo.theory.densities import mixture, normal
from ganzoo.theory.generator_gradient import location_gradients, shift_gradient

SATURATING, NON_SATURATING = Minimax(label_smoothing=0.0), NonSaturating(label_smoothing=0.0)
P = mixture(torch.tensor([0.4, 0.6], dtype=torch.float64), [normal(-1.0, 0.7), normal(1.5, 1.0)])


def gradient(function, place):
    theta = torch.tensor(place, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(function(normal(theta, 1.1)), theta)
    return slope.item()


@pytest.mark.parametrize("place", [-3.0, -0.2, 0.9, 4.0])
def test_saturating_gradient_is_that_of_twice_jensen_shannon(place):
    mine = shift_gradient(SATURATING, P, normal(place, 1.1)).item()
    expected = gradient(lambda q: 2 * densities.jensen_shannon(P, q), place)
    assert mine == pytest.approx(expected, rel=1e-7, abs=1e-10)


@pytest.mark.parametrize("place", [-3.0, -0.2, 0.9, 4.0])
def test_non_saturating_gradient_is_that_of_theorem_2_5(place):
    mine = shift_gradient(NON_SATURATING, P, normal(place, 1.1)).item()

    def theorem(q):
        return densities.kullback_leibler(q, P) - 2 * densities.jensen_shannon(P, q)

    assert mine == pytest.approx(gradient(theorem, place), rel=1e-7, abs=1e-10)


@pytest.mark.parametrize(
    "divergence",
    [zoo.KullbackLeibler(), zoo.ReverseKullbackLeibler(), zoo.SquaredHellinger()],
)
def test_saddle_point_of_f_gan_descends_its_divergence(divergence):
    loss = FGAN(divergence=divergence, generator_objective=SaddlePointObjective())
    mine = shift_gradient(loss, P, normal(0.9, 1.1)).item()
    expected = gradient(lambda q: densities.divergence(divergence, P, q), 0.9)
    assert mine == pytest.approx(expected, rel=1e-7)


def test_saturating_gradient_is_scipys_integral():
    """For N(theta, 1) and N(0, 1), written out: the mean of theta sigmoid(logit)."""
    theta = 1.7

    def integrand(x):
        logit = theta**2 / 2 - theta * x
        return stats.norm.pdf(x, theta) * theta / (1 + math.exp(-logit))

    expected, _ = integrate.quad(integrand, -12, 14, epsabs=1e-13)
    mine = location_gradients(SATURATING, torch.tensor(theta, dtype=torch.float64), 1.0)
    assert mine.item() == pytest.approx(expected, rel=1e-9)


def test_saturating_gradient_vanishes_with_the_distance_and_the_other_does_not():
    distances = torch.tensor([2.0, 5.0, 10.0, 20.0])
    saturating = location_gradients(SATURATING, distances, 1.0)
    bound = distances.double() * (-distances.double().square() / 8).exp()
    assert (saturating > 0).all()
    assert (saturating <= bound).all()  # the overlap of the densities bounds it
    other = location_gradients(NON_SATURATING, distances, 1.0)
    torch.testing.assert_close(other[2:], distances[2:].double(), rtol=1e-5, atol=0)
    assert location_gradients(NON_SATURATING, distances[:1], 0.1).item() == pytest.approx(200)


@settings(max_examples=8, deadline=None)
@given(theta=st.floats(0.05, 6), deviation=st.floats(0.3, 3))
def test_gradients_are_odd_and_scale_with_the_deviation(theta, deviation):
    distances = torch.tensor([theta, -theta], dtype=torch.float64)
    for loss in (SATURATING, NON_SATURATING):
        values = location_gradients(loss, distances, deviation)
        assert values[0].item() == pytest.approx(-values[1].item(), rel=1e-7, abs=1e-12)
        assert values[0] > 0
        unit = location_gradients(loss, distances / deviation, 1.0) / deviation
        torch.testing.assert_close(values, unit, rtol=1e-7, atol=1e-12)


def test_the_critics_gradient_is_the_sign_of_the_distance():
    distances = torch.tensor([[-8.0, -0.1], [0.5, 30.0]])
    values = location_gradients(Wasserstein(), distances, 1.0)
    torch.testing.assert_close(values, distances.double().sign())


def test_the_critics_gradient_is_that_of_the_wasserstein_distance():
    from ganzoo.theory.transport import density_wasserstein1

    mine = shift_gradient(Wasserstein(), P, normal(0.9, 1.1)).item()
    expected = gradient(lambda q: density_wasserstein1(P, q), 0.9)
    assert mine == pytest.approx(expected, rel=1e-5)


def test_the_best_hinge_discriminator_is_flat():
    values = location_gradients(Hinge(), torch.tensor([0.5, 3.0]), 1.0)
    assert values.tolist() == [0.0, 0.0]


def test_least_squares_generator_is_pulled_to_its_target():
    """With D = p/(p + q) and c = 1, by scipy: the mean of (D - 1) dD/dx."""
    theta = 1.2

    def integrand(x):
        best = 1 / (1 + math.exp(theta * x - theta**2 / 2))
        return stats.norm.pdf(x, theta) * (best - 1) * -theta * best * (1 - best)

    expected, _ = integrate.quad(integrand, -12, 14, epsabs=1e-13)
    loss = LeastSquares(fake_target=0.0, real_target=1.0, generator_target=1.0)
    mine = location_gradients(loss, torch.tensor(theta, dtype=torch.float64), 1.0)
    assert mine.item() == pytest.approx(expected, rel=1e-9)


def test_a_deviation_of_zero_is_refused():
    with pytest.raises(InputError, match="deviation must be a positive number"):
        location_gradients(SATURATING, torch.ones(2), 0.0)
