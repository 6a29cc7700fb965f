import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ganzoo.errors import InputError
from ganzoo.losses import divergences as zoo
from ganzoo.theory import densities
from ganzoo.theory.densities import Density, from_density, mixture, normal, uniform

LINE = (-math.inf, math.inf)
FORMULAS = {
    zoo.KullbackLeibler(): lambda p, q: p * np.log(p / q),
    zoo.ReverseKullbackLeibler(): lambda p, q: q * np.log(q / p),
    zoo.PearsonChiSquared(): lambda p, q: (p - q) ** 2 / q,
    zoo.NeymanChiSquared(): lambda p, q: (p - q) ** 2 / p,
    zoo.SquaredHellinger(): lambda p, q: (np.sqrt(p) - np.sqrt(q)) ** 2,
    zoo.JensenShannon(): lambda p, q: p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q)),
    zoo.GANDivergence(): lambda p, q: p * np.log(p / (p + q)) + q * np.log(q / (p + q)),
    zoo.TotalVariation(): lambda p, q: np.abs(p - q) / 2,
    zoo.Alpha(alpha=0.5): lambda p, q: (np.sqrt(p * q) - p / 2 - q / 2) / -0.25,
    zoo.Alpha(alpha=1.5): lambda p, q: (p**1.5 / q**0.5 - 1.5 * p + 0.5 * q) / 0.75,
}
each = pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: repr(kind))


def laplace(mean, scale):
    def logs(points):
        return -(points - mean).abs() / scale - math.log(2 * scale)

    return Density(logs, LINE, (float(mean) - 3, float(mean), float(mean) + 3))


def two_modes(means, deviations):
    weights = torch.tensor([0.3, 0.7], dtype=torch.float64)
    return mixture(weights, [normal(m, s) for m, s in zip(means, deviations, strict=True)])


@each
def test_mixtures_are_as_scipy_integrates_them(kind):
    p = two_modes([-1.0, 2.0], [0.8, 1.1])
    q = normal(0.5, 1.1)

    def integrand(x):
        a = 0.3 * stats.norm.pdf(x, -1, 0.8) + 0.7 * stats.norm.pdf(x, 2, 1.1)
        return FORMULAS[kind](a, stats.norm.pdf(x, 0.5, 1.1))

    points = np.linspace(-14, 14, 41)[1:-1]
    expected, _ = integrate.quad(integrand, -14, 14, points=points, limit=2000, epsabs=1e-12)
    assert densities.divergence(kind, p, q).item() == pytest.approx(expected, abs=1e-8)


def test_laplace_has_its_closed_form():
    """KL of Laplace densities, of which the kinks are at the means."""
    shift, first, second = 0.8, 1.3, 0.7
    expected = (first * math.exp(-shift / first) + shift) / second + math.log(second / first) - 1
    value = densities.kullback_leibler(laplace(shift, first), laplace(0.0, second))
    assert value.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("gap", [0.0, 0.1, 7.0])
def test_disjoint_supports_are_as_far_apart_as_can_be(gap):
    p, q = uniform(0.0, 1.0), uniform(1.0 + gap, 3.0 + gap)
    assert densities.kullback_leibler(p, q).item() == math.inf
    assert densities.kullback_leibler(q, p).item() == math.inf
    assert densities.jensen_shannon(p, q).item() == pytest.approx(math.log(2), abs=1e-12)
    assert densities.divergence(zoo.TotalVariation(), p, q).item() == pytest.approx(1, abs=1e-12)


def test_one_support_inside_the_other_is_infinite_one_way_only():
    inner, outer = uniform(0.25, 0.75), uniform(0.0, 1.0)
    assert densities.kullback_leibler(inner, outer).item() == pytest.approx(math.log(2))
    assert densities.kullback_leibler(outer, inner).item() == math.inf
    assert densities.divergence(zoo.PearsonChiSquared(), inner, outer).item() == pytest.approx(1)


def test_zeros_inside_the_support_count():
    def triangle(points):  # 0 on the right half of its support
        return torch.where(points < 0.5, 8 * points.clamp(max=0.5), 0.0)

    p = from_density(triangle, (0.0, 1.0), (0.5,))
    assert densities.kullback_leibler(uniform(0.0, 1.0), p).item() == math.inf
    value = densities.kullback_leibler(p, uniform(0.0, 1.0)).item()
    assert value == pytest.approx(2 * math.log(2) - 0.5, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(
    means=st.lists(st.floats(-4, 4), min_size=2, max_size=2),
    deviations=st.lists(st.floats(0.05, 3), min_size=2, max_size=2),
    other=st.floats(-4, 4),
    width=st.floats(0.05, 3),
)
def test_bounds_and_symmetries_of_any_mixture(means, deviations, other, width):
    p, q = two_modes(means, deviations), normal(other, width)
    shannon = densities.jensen_shannon(p, q).item()
    assert shannon == pytest.approx(densities.jensen_shannon(q, p).item(), rel=1e-9, abs=1e-14)
    assert -1e-12 <= shannon <= math.log(2) + 1e-9
    variation = densities.divergence(zoo.TotalVariation(), p, q).item()
    assert variation <= math.sqrt(densities.kullback_leibler(p, q).item() / 2) + 1e-9
    assert shannon <= math.log(2) * variation + 1e-9  # Lin (1991)
    hellinger = densities.divergence(zoo.SquaredHellinger(), p, q).item()
    assert hellinger / 2 <= variation + 1e-9


@pytest.mark.parametrize(
    "kind", [kind for kind in FORMULAS if not isinstance(kind, zoo.PearsonChiSquared)],
    ids=lambda kind: repr(kind),
)  # fmt: skip
def test_gradients_are_those_of_finite_differences(kind):
    def value(mean, deviation, weight):
        shares = torch.stack([weight, 1 - weight])
        return densities.divergence(
            kind, mixture(shares, [normal(mean, deviation), normal(-1.0, 1.0)]), normal(0.0, 1.0)
        )

    arguments = [0.6, 0.9, 0.4]
    tensors = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arguments]
    slopes = torch.autograd.grad(value(*tensors), tensors)
    for index, slope in enumerate(slopes):
        moved = [[torch.tensor(a).double() for a in arguments] for _ in range(2)]
        moved[0][index] += 1e-4
        moved[1][index] -= 1e-4
        difference = (value(*moved[0]) - value(*moved[1])) / 2e-4
        assert slope.item() == pytest.approx(difference.item(), rel=1e-5, abs=1e-6)


def test_density_and_logarithm_agree():
    p = from_density(lambda x: torch.exp(-x.abs()) / 2, LINE, (0.0, 1.0))
    q = normal(0.3, 1.0)
    value = densities.jensen_shannon(p, q).item()
    assert value == pytest.approx(densities.jensen_shannon(laplace(0.0, 1.0), q).item(), rel=1e-9)


def test_narrow_densities_far_from_zero_are_found():
    p, q = normal(5.0, 1e-6), normal(5.0 + 2e-6, 1e-6)
    assert densities.kullback_leibler(p, q).item() == pytest.approx(2.0, rel=1e-8)
    assert densities.jensen_shannon(normal(0.0, 1e-8), normal(3e-8, 1e-8)).item() == pytest.approx(
        densities.jensen_shannon(normal(0.0, 1.0), normal(3.0, 1.0)).item(), rel=1e-10
    )


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (from_density(lambda x: 0 * x + 0.5, (0.0, 1.0), ()), "integrates to 0.5, not to 1"),
        (from_density(lambda x: 1.5 - 3 * x, (0.0, 1.0), ()), "negative, but it is at x = 0.5"),
        (Density(lambda x: x.sqrt().log(), (-1.0, 1.0), ()), "is NaN at x = -"),
        (Density(torch.zeros_like, LINE, ()), "does not settle"),
    ],
)
def test_functions_that_are_no_densities_are_refused(density, message):
    with pytest.raises(InputError, match=message):
        densities.jensen_shannon(density, uniform(0.0, 1.0))


def test_the_second_density_is_checked_too():
    with pytest.raises(InputError, match="the second density integrates to 2, not to 1"):
        densities.jensen_shannon(uniform(0.0, 1.0), Density(torch.zeros_like, (0.0, 2.0), ()))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: normal(0.0, -1.0), "deviation must be a positive number"),
        (lambda: uniform(1.0, 1.0), "finite ends in order"),
        (lambda: uniform(0.0, math.inf), "finite ends in order"),
        (lambda: Density(torch.zeros_like, (1.0, 0.0), ()), "must end above where it begins"),
        (lambda: Density(torch.zeros_like, LINE, (math.nan,)), "marks must be finite"),
        (lambda: mixture(torch.tensor([1.0]), []), "0 parts need as many weights"),
        (lambda: mixture(torch.tensor([0.4]), [normal(0.0, 1.0)]), "sum to 1, not"),
        (lambda: mixture(torch.tensor([-1.0, 2.0]), 2 * [normal(0.0, 1.0)]), "not be negative"),
    ],
)
def test_wrong_arguments_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_infinite_by_overflow_is_infinite():
    wide, narrow = normal(0.0, 2.0), normal(0.0, 1.0)
    assert densities.divergence(zoo.PearsonChiSquared(), wide, narrow).item() == math.inf


def test_infinite_by_the_tails_is_said():
    cauchy = Density(lambda x: -(math.pi * (1 + x.square())).log(), LINE, (-1.0, 0.0, 1.0))
    with pytest.raises(InputError, match="does not settle: it is infinite"):
        densities.kullback_leibler(cauchy, normal(0.0, 1.0))
