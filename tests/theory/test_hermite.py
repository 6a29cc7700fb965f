import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from ganzoo.errors import InputError
from ganzoo.theory.hermite import normal_nodes


@pytest.mark.parametrize("nodes", [1, 2, 5, 12])
def test_moments_are_exact_up_to_twice_the_nodes(nodes):
    points, weights = normal_nodes(nodes=nodes, dimension=1)
    for power in range(2 * nodes):
        found = (weights * points[:, 0] ** power).sum().item()
        expected = 0 if power % 2 else math.prod(range(power - 1, 0, -2))
        size = (weights * points[:, 0].abs() ** power).sum().item()
        assert found == pytest.approx(expected, rel=1e-10, abs=1e-12 * size)


def test_mixed_moments_of_independent_entries_are_products():
    points, weights = normal_nodes(nodes=4, dimension=3)
    assert points.shape == (64, 3)
    assert weights.sum().item() == pytest.approx(1)
    mixed = points[:, 0] ** 2 * points[:, 1] ** 4 * points[:, 2] ** 2
    assert (weights * mixed).sum().item() == pytest.approx(3)
    assert (weights * points[:, 0] * points[:, 1]).sum().item() == pytest.approx(0, abs=1e-12)


def test_smooth_functions_agree_with_adaptive_quadrature():
    points, weights = normal_nodes(nodes=20, dimension=1)
    found = (weights * torch.nn.functional.softplus(2 * points[:, 0] - 1)).sum().item()
    expected = quad(lambda z: norm.pdf(z) * math.log1p(math.exp(2 * z - 1)), -12, 12)[0]
    assert found == pytest.approx(expected, abs=1e-5)


def test_too_many_points_are_refused():
    with pytest.raises(InputError, match="take fewer"):
        normal_nodes(nodes=20, dimension=6)
    with pytest.raises(InputError, match="nodes must be a whole number"):
        normal_nodes(nodes=0, dimension=1)
