import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from ganzoo.theory.densities import mixture, normal, uniform
from ganzoo.theory.potential import kantorovich_potential
from ganzoo.theory.transport import density_wasserstein1


def two_modes(low, high):
    return mixture(
        torch.tensor([0.5, 0.5], dtype=torch.float64), [normal(low, 0.6), normal(high, 0.4)]
    )


def expectation(function, density, knots):
    """By scipy."""

    def integrand(x):
        point = torch.tensor(x, dtype=torch.float64)
        return float(function(point) * density.log(point).exp())

    ends = [-15.0, *[k for k in knots if abs(k) < 15], 15.0]
    pieces = itertools.pairwise(ends)
    return sum(integrate.quad(integrand, *piece, limit=200)[0] for piece in pieces)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (normal(0.0, 1.0), normal(1.0, 1.0)),
        (normal(0.0, 1.0), normal(0.3, 1.6)),
        (two_modes(-2.0, 2.0), normal(0.2, 0.8)),
    ],
)
def test_difference_of_means_is_the_wasserstein_distance(p, q):
    potential = kantorovich_potential(p, q)
    knots = potential.knots.tolist()
    reached = expectation(potential, p, knots) - expectation(potential, q, knots)
    assert reached == pytest.approx(density_wasserstein1(p, q).item(), rel=1e-6)


def test_knots_are_where_the_distribution_functions_cross():
    potential = kantorovich_potential(normal(0.0, 1.0), normal(0.3, 1.6))
    assert potential.knots.tolist() == pytest.approx([-0.5], abs=1e-8)
    assert potential.slopes.tolist() == [1.0, -1.0]
    three = kantorovich_potential(two_modes(-2.0, 2.0), normal(0.2, 0.8))
    for knot in three.knots.tolist():
        first = (stats.norm.cdf(knot, -2, 0.6) + stats.norm.cdf(knot, 2, 0.4)) / 2
        assert first == pytest.approx(stats.norm.cdf(knot, 0.2, 0.8), abs=1e-8)


@settings(max_examples=8, deadline=None)
@given(
    low=st.floats(-3, 0),
    high=st.floats(0, 3),
    points=st.lists(st.floats(-8, 8), min_size=2, max_size=2, unique=True),
)
def test_it_has_slope_one_and_reaches_as_much_as_any_other_such_function(low, high, points):
    p, q = two_modes(low, high), normal(0.2, 0.8)
    potential = kantorovich_potential(p, q)
    first, second = potential(torch.tensor(points, dtype=torch.float64)).tolist()
    assert abs(first - second) <= abs(points[0] - points[1]) + 1e-12
    assert (potential.slopes.diff().abs() == 2).all()
    distance = density_wasserstein1(p, q).item()
    difference_of_means = abs((low + high) / 2 - 0.2)  # of the functions x and -x
    assert distance >= difference_of_means - 1e-9


def test_a_shift_has_a_straight_line_whatever_the_overlap():
    for p, q in [(normal(0.0, 1.0), normal(9.0, 1.0)), (uniform(0.0, 1.0), uniform(2.0, 3.0))]:
        potential = kantorovich_potential(p, q)
        assert potential.slopes.tolist() == [-1.0]
        assert potential(torch.tensor([3.0, -2.0])).tolist() == [-3.0, 2.0]
        assert kantorovich_potential(q, p).slopes.tolist() == [1.0]


def test_equal_densities_have_a_flat_one():
    potential = kantorovich_potential(normal(0.0, 1.0), normal(0.0, 1.0))
    assert potential(torch.tensor([3.0, -2.0])).tolist() == [0.0, 0.0]
