"""f-divergences from the zoo's activations and conjugates, against formulas of f."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ganzoo.losses import divergences as zoo
from ganzoo.theory.f_divergences import has_kink, integrand


def alpha(a):
    return zoo.Alpha(alpha=a), lambda u: (u**a - 1 - a * (u - 1)) / (a * (a - 1))


# The formulas of the docstrings in ganzoo.losses.divergences.
CASES = {
    "kullback_leibler": (zoo.KullbackLeibler(), lambda u: u * np.log(u)),
    "reverse_kullback_leibler": (zoo.ReverseKullbackLeibler(), lambda u: -np.log(u)),
    "pearson": (zoo.PearsonChiSquared(), lambda u: (u - 1) ** 2),
    "neyman": (zoo.NeymanChiSquared(), lambda u: (1 - u) ** 2 / u),
    "squared_hellinger": (zoo.SquaredHellinger(), lambda u: (np.sqrt(u) - 1) ** 2),
    "jensen_shannon": (
        zoo.JensenShannon(),
        lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
    ),
    "gan": (zoo.GANDivergence(), lambda u: u * np.log(u) - (u + 1) * np.log(u + 1)),
    "total_variation": (zoo.TotalVariation(), lambda u: np.abs(u - 1) / 2),
    "alpha_one_half": alpha(0.5),
    "alpha_minus_one": alpha(-1.0),
    "alpha_three_halves": alpha(1.5),
    "alpha_two": alpha(2.0),
}
each = pytest.mark.parametrize("name", CASES)
smooth = pytest.mark.parametrize("name", [name for name in CASES if name != "total_variation"])


def double(value):
    return torch.as_tensor(value, dtype=torch.float64)


def tilt(divergence):
    """``f'(1)``, whose multiple of p - q the integrand is without."""
    return divergence.activation(divergence.best_output(double(0.0)))


def function(divergence, u):
    """f itself, differentiable by u."""
    ratio = u.log()
    return integrand(divergence, ratio, torch.zeros_like(ratio)) + tilt(divergence) * (u - 1)


@each
@settings(max_examples=40, deadline=None)
@given(log_u=st.floats(-8, 8))
def test_function_is_the_formula_of_the_zoo(name, log_u):
    divergence, formula = CASES[name]
    mine = function(divergence, double(math.exp(log_u))).item()
    assert mine == pytest.approx(formula(math.exp(log_u)), rel=1e-9, abs=1e-9)


@each
@pytest.mark.parametrize("output", [-1.7, -0.3, 0.0, 0.8, 2.2])
def test_conjugate_of_the_function_is_the_zoos(name, output):
    divergence = CASES[name][0]
    t = divergence.activation(double(output)).item()

    def shortfall(log_u):
        u = math.exp(log_u)
        return function(divergence, double(u)).item() - u * t

    high = 25 if name != "total_variation" else 1
    found = minimize_scalar(
        shortfall, bounds=(-25, high), method="bounded", options={"xatol": 1e-9}
    )
    assert divergence.conjugate(double(output)).item() == pytest.approx(-found.fun, abs=1e-6)


@smooth
@pytest.mark.parametrize("log_u", [-3.0, -0.5, 0.0, 0.01, 1.2, 2.5])
def test_activation_of_the_best_output_is_the_slope(name, log_u):
    divergence, formula = CASES[name]
    best = divergence.activation(divergence.best_output(double(log_u)))
    u, step = math.exp(log_u), 1e-5
    difference = (formula(u + step) - formula(u - step)) / (2 * step)
    assert best.item() == pytest.approx(difference, rel=1e-6, abs=1e-9)
    place = double(u).requires_grad_()
    (slope,) = torch.autograd.grad(function(divergence, place), place)
    assert best.item() == pytest.approx(slope.item(), rel=1e-9, abs=1e-12)


@smooth
@pytest.mark.parametrize("log_u", [-3.0, 0.0, 1.2, 2.5])
def test_young_inequality_is_an_equality_at_the_best_output(name, log_u):
    divergence, formula = CASES[name]
    output, u = divergence.best_output(double(log_u)), math.exp(log_u)
    reached = u * divergence.activation(output) - divergence.conjugate(output)
    assert reached.item() == pytest.approx(formula(u), rel=1e-9, abs=1e-12)


def test_best_output_of_the_total_variation_is_out_of_bounds():
    output = zoo.TotalVariation().best_output(double([-1.0, 0.0, 2.0]))
    assert output.tolist() == [-math.inf, 0.0, math.inf]


@each
def test_only_the_total_variation_has_a_kink(name):
    assert has_kink(CASES[name][0]) == (name == "total_variation")


EXACT = {  # less f'(1) (p - q)
    "kullback_leibler": lambda p, q: p * mpmath.log(p / q) - p + q,
    "squared_hellinger": lambda p, q: (mpmath.sqrt(p) - mpmath.sqrt(q)) ** 2,
    "jensen_shannon": lambda p, q: (
        p * mpmath.log(2 * p / (p + q)) + q * mpmath.log(2 * q / (p + q))
    ),
    "alpha_three_halves": lambda p, q: (p**1.5 / q**0.5 - 1.5 * p + 0.5 * q) / 0.75,
}


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=60, deadline=None)
@given(exponent=st.floats(-7, 2), sign=st.sampled_from([-1, 1]))
def test_close_and_far_densities_keep_their_digits(name, exponent, sign):
    """To rounding of T over T - T(1)."""
    log_p = sign * 10.0**exponent
    with mpmath.workdps(60):
        expected = float(EXACT[name](mpmath.exp(mpmath.mpf(log_p)), mpmath.mpf(1)))
    value = integrand(CASES[name][0], double(log_p), double(0.0)).item()
    assert value == pytest.approx(expected, rel=1e-13 + 3e-15 / min(1, abs(log_p)))


@pytest.mark.parametrize("log_p", [900.0, 5000.0, -5000.0, -900.0])
def test_densities_of_any_ratio_have_their_value(log_p):
    """KL and its reverse, scaled so that the larger one of p and q is 1."""
    p, q = double([log_p, 0.0]) - max(log_p, 0.0)
    kl = integrand(zoo.KullbackLeibler(), p, q).item()
    reverse = integrand(zoo.ReverseKullbackLeibler(), q, p).item()
    assert kl == reverse == pytest.approx(log_p - 1 if log_p > 0 else 1)
    assert integrand(zoo.SquaredHellinger(), p, q).item() == pytest.approx(1)


def test_densities_below_all_numbers_have_a_say_in_the_gradient():
    """d/dq of p log p/q - p + q is -p/q + 1: by the logarithm of a q of e^-2000 it is -p."""
    log_p, log_q = (double(value).requires_grad_() for value in (-1.0, -2000.0))
    value = integrand(zoo.KullbackLeibler(), log_p, log_q)
    slopes = torch.autograd.grad(value, (log_p, log_q))
    p = math.exp(-1.0)
    assert [slope.item() for slope in slopes] == pytest.approx([1999 * p, -p])


@each
def test_limits_are_those_of_the_function_far_out(name):
    """What a unit of Q costs where P has nothing, and a unit of P where Q has nothing."""
    divergence, formula = CASES[name]
    nothing, slope = double(-math.inf), tilt(divergence).item()
    at_zero = integrand(divergence, nothing, double(0.0)).item()
    at_infinity = integrand(divergence, double(0.0), nothing).item()
    for found, expected in (
        (at_zero, formula(1e-30) + slope),
        (at_infinity, formula(1e30) / 1e30 - slope),
    ):
        if math.isinf(found):
            assert expected > 60
        else:
            assert found == pytest.approx(expected, abs=1e-9)


@each
def test_integrand_has_finite_gradients_where_a_density_is_missing(name):
    log_p = double([-math.inf, 0.0, -1.0, -math.inf, -300.0]).requires_grad_()
    log_q = double([0.0, -math.inf, -1.5, -math.inf, 0.0]).requires_grad_()
    values = integrand(CASES[name][0], log_p, log_q)
    assert values[3] == 0
    values[values.isfinite()].sum().backward()
    assert log_p.grad.isfinite().all()
    assert log_q.grad.isfinite().all()
