import math

import numpy as np
import pytest
import torch
from scipy import integrate, special

from ganzoo.errors import InputError
from ganzoo.theory.quadrature import Line, adaptive_mesh, split_at_sign_changes

WHOLE = Line([-1.0, 1.0], True, True)


def integral(line, function):
    mesh = adaptive_mesh(line, lambda x: function(x)[None])
    return mesh.integrate(function(mesh.points)).item()


@pytest.mark.parametrize(
    ("line", "function", "expected"),
    [
        (WHOLE, lambda x: (-x.square()).exp(), math.sqrt(math.pi)),
        (WHOLE, lambda x: 1 / (1 + x.square()), math.pi),
        (Line([0.0, 1.0], False, True), lambda x: x**3 * (-x).exp(), 6.0),
        (Line([0.0, 1.0], True, False), lambda x: (x - 1).exp(), 1.0),
        (Line([0.0, 1.0], False, False), lambda x: x.sqrt(), 2 / 3),
        (Line([0.0, 1.0], False, False), lambda x: (x > 1 / math.e).double(), 1 - 1 / math.e),
        (Line([0.0, 1.0], False, False), lambda x: (x - 0.3).abs(), 0.29),
    ],
)
def test_closed_forms(line, function, expected):
    assert integral(line, function) == pytest.approx(expected, rel=1e-10)


def test_an_oscillation_is_as_scipy_has_it():
    expected, _ = integrate.quad(lambda x: math.cos(40 * x) / (1 + x**4), -3, 8, limit=500)
    value = integral(Line([-3.0, 8.0], False, False), lambda x: (40 * x).cos() / (1 + x**4))
    assert value == pytest.approx(expected, rel=1e-9)


def test_partial_integrals_are_the_error_function_from_either_side():
    mesh = adaptive_mesh(WHOLE, lambda x: (-x.square()).exp()[None])
    values = (-mesh.points.square()).exp()
    scale = math.sqrt(math.pi) / 2
    below = scale * special.erfc(-mesh.points.numpy())
    above = scale * special.erfc(mesh.points.numpy())
    np.testing.assert_allclose(mesh.integrate_below(values), below, atol=1e-12)
    np.testing.assert_allclose(mesh.integrate_above(values), above, atol=1e-12)
    far = (mesh.points > 4) & (mesh.points < 5)
    np.testing.assert_allclose(mesh.integrate_above(values)[far], above[far], rtol=1e-3, atol=1e-16)


def test_points_rise_and_weights_are_positive():
    mesh = adaptive_mesh(WHOLE, lambda x: (-(x - 0.3).abs()).exp()[None])
    assert (mesh.points.flatten().diff() > 0).all()
    assert (mesh.weights > 0).all()


def test_sign_changes_end_in_small_panels():
    line = Line([0.0, 1.0], False, False)
    mesh = adaptive_mesh(line, lambda x: x[None])
    mesh = split_at_sign_changes(line, mesh, lambda mesh: mesh.points - 0.3, 1e-15)
    sign = (mesh.points - 0.3).sign()
    assert mesh.integrate(sign).item() == pytest.approx(0.4, abs=1e-7)


def test_two_functions_are_integrated_at_once():
    functions = [lambda x: (-x.square()).exp(), lambda x: (-(x - 0.37).abs() * 30).exp()]
    mesh = adaptive_mesh(WHOLE, lambda x: torch.stack([f(x) for f in functions]))
    values = [mesh.integrate(f(mesh.points)).item() for f in functions]
    assert values == pytest.approx([math.sqrt(math.pi), 1 / 15], rel=1e-10)


@pytest.mark.parametrize("function", [lambda x: torch.ones_like(x), lambda x: 1 / (1 + x.abs())])
def test_infinite_integrals_are_refused(function):
    with pytest.raises(InputError, match="does not settle: it is infinite, or its integrand needs"):
        integral(WHOLE, function)


def test_an_integrand_that_overflows_has_an_infinite_integral():
    assert integral(WHOLE, lambda x: x.square().exp()) == math.inf


def test_nan_is_refused_with_its_place():
    with pytest.raises(InputError, match="is NaN at x = -"):
        integral(WHOLE, lambda x: x.log().exp())


@pytest.mark.parametrize("marks", [[1.0], [2.0, 2.0], [0.0, math.inf]])
def test_marks_must_be_two_finite_numbers(marks):
    with pytest.raises(InputError, match="at least two different finite marks"):
        Line(marks, False, False)
