"""Against the formulas themselves in 60 digits."""

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.theory.stable import exponential_excess, squared_root_difference, twice_jensen_shannon


def double(value):
    return torch.tensor(value, dtype=torch.float64)


def exact_hellinger(log_p, log_q):
    return (mpmath.sqrt(mpmath.exp(log_p)) - mpmath.sqrt(mpmath.exp(log_q))) ** 2


def exact_jensen_shannon(log_p, log_q):
    p, q = mpmath.exp(log_p), mpmath.exp(log_q)
    return p * mpmath.log(2 * p / (p + q)) + q * mpmath.log(2 * q / (p + q))


@settings(max_examples=100, deadline=None)
@given(exponent=st.floats(-12, 2), sign=st.sampled_from([-1, 1]))
def test_exponential_excess_keeps_its_digits(exponent, sign):
    x = sign * 10.0**exponent
    with mpmath.workdps(60):
        expected = float(mpmath.exp(x) - 1 - mpmath.mpf(x))
    assert exponential_excess(double(x)).item() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (squared_root_difference, exact_hellinger),
        (twice_jensen_shannon, exact_jensen_shannon),
    ],
)
@settings(max_examples=60, deadline=None)
@given(exponent=st.floats(-9, 2), sign=st.sampled_from([-1, 1]))
def test_close_and_far_densities_keep_their_digits(function, exact, exponent, sign):
    log_p = -sign * 10.0**exponent
    with mpmath.workdps(60):
        expected = float(exact(mpmath.mpf(log_p), mpmath.mpf(0)))
    value = function(double(log_p), double(0.0)).item()
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("function", [squared_root_difference, twice_jensen_shannon])
@pytest.mark.parametrize("log_p", [0.0, 0.3, -0.999, 1.001, -4.0, 30.0])
def test_derivatives_are_those_of_finite_differences(function, log_p):
    place, q = double(log_p).requires_grad_(), double(0.2)
    (slope,) = torch.autograd.grad(function(place, q), place)
    step = 1e-5
    difference = (function(double(log_p + step), q) - function(double(log_p - step), q)) / 2 / step
    assert slope.item() == pytest.approx(difference.item(), rel=1e-6, abs=1e-9)
