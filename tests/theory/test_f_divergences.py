"""The generator functions against the zoo's conjugates and activations, and against formulas."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from ganzoo.errors import InputError
from ganzoo.losses import divergences as zoo
from ganzoo.theory.f_divergences import generator_function


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


@each
@settings(max_examples=40, deadline=None)
@given(log_u=st.floats(-8, 8))
def test_function_is_the_formula_of_the_zoo(name, log_u):
    divergence, formula = CASES[name]
    mine = generator_function(divergence).function(double(math.exp(log_u))).item()
    assert mine == pytest.approx(formula(math.exp(log_u)), rel=1e-9, abs=1e-9)


@each
@pytest.mark.parametrize("output", [-1.7, -0.3, 0.0, 0.8, 2.2])
def test_conjugate_of_the_function_is_the_zoos(name, output):
    divergence, f = CASES[name][0], generator_function(CASES[name][0])
    t = divergence.activation(double(output)).item()

    def shortfall(log_u):
        u = math.exp(log_u)
        return f.function(double(u)).item() - u * t

    high = 25 if name != "total_variation" else 1
    found = minimize_scalar(
        shortfall, bounds=(-25, high), method="bounded", options={"xatol": 1e-9}
    )
    assert divergence.conjugate(double(output)).item() == pytest.approx(-found.fun, abs=1e-6)


@smooth
@pytest.mark.parametrize("log_u", [-3.0, -0.5, 0.0, 0.01, 1.2, 2.5])
def test_activation_of_the_best_output_is_the_slope(name, log_u):
    divergence, f = CASES[name][0], generator_function(CASES[name][0])
    u = double(math.exp(log_u)).requires_grad_()
    (slope,) = torch.autograd.grad(f.function(u), u)
    best = divergence.activation(f.output(double(log_u)))
    assert best.item() == pytest.approx(slope.item(), rel=1e-9, abs=1e-12)


@smooth
@pytest.mark.parametrize("log_u", [-3.0, 0.0, 1.2, 2.5])
def test_young_inequality_is_an_equality_at_the_best_output(name, log_u):
    divergence, f = CASES[name][0], generator_function(CASES[name][0])
    output, u = f.output(double(log_u)), math.exp(log_u)
    reached = u * divergence.activation(output) - divergence.conjugate(output)
    assert reached.item() == pytest.approx(f.function(double(u)).item(), rel=1e-9, abs=1e-12)


def test_best_output_of_the_total_variation_is_out_of_bounds():
    f = generator_function(zoo.TotalVariation())
    assert f.output(double([-1.0, 0.0, 2.0])).tolist() == [-math.inf, 0.0, math.inf]


@each
def test_limits_are_those_of_the_function_far_out(name):
    divergence, formula = CASES[name]
    f = generator_function(divergence)
    at_zero = formula(1e-30) + f.tilt
    if math.isinf(f.at_zero):
        assert at_zero > 60
    else:
        assert f.at_zero == pytest.approx(at_zero, abs=1e-9)
    at_infinity = formula(1e30) / 1e30 - f.tilt
    if math.isinf(f.at_infinity):
        assert at_infinity > 60
    else:
        assert f.at_infinity == pytest.approx(at_infinity, abs=1e-9)


@each
def test_integrand_has_finite_gradients_where_a_density_is_missing(name):
    log_p = double([-math.inf, 0.0, -1.0, -math.inf, -300.0]).requires_grad_()
    log_q = double([0.0, -math.inf, -1.5, -math.inf, 0.0]).requires_grad_()
    values = generator_function(CASES[name][0]).integrand(log_p, log_q)
    assert values[3] == 0
    values[values.isfinite()].sum().backward()
    assert log_p.grad.isfinite().all()
    assert log_q.grad.isfinite().all()


def test_strange_divergences_are_refused():
    class Strange(zoo.Divergence):
        def activation(self, logits):
            return logits

        def conjugate(self, logits):
            return logits

    with pytest.raises(InputError, match="Strange has no generator function"):
        generator_function(Strange())
