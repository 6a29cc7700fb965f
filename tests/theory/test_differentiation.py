import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.theory.differentiation import eigenvalues, jacobian_by_differences

POINT = torch.tensor([0.3, -1.2, 0.8], dtype=torch.float64)


def smooth_function(x):
    return torch.stack([x[0] * x[1].exp(), (x * x).sum() * x[2], torch.sin(x[0] - x[2])])


def test_differences_are_the_jacobian_of_torch_func():
    matrix, smooth = jacobian_by_differences(smooth_function, POINT)
    expected = torch.func.jacrev(smooth_function)(POINT)
    torch.testing.assert_close(matrix, expected, atol=1e-11, rtol=0)
    assert smooth


@pytest.mark.parametrize(
    ("function", "smooth"),
    [
        (lambda x: x.sign(), False),
        (lambda x: x / (x.abs() + 1e-8), False),
        (lambda x: x.sqrt(), False),
        (lambda x: 5 * x - 3 * x**3, True),
    ],
)
def test_places_without_a_derivative_are_told(function, smooth):
    assert jacobian_by_differences(function, torch.zeros(2).double())[1] is smooth


def test_eigenvalues_are_those_of_a_polynomial():
    companion = torch.tensor([[2.0, -5.0, 4.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    found = np.sort_complex(eigenvalues(companion.double()).numpy())
    np.testing.assert_allclose(found, np.sort_complex(np.roots([1, -2, 5, -4])))


def test_eigenvalues_of_matrices_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="not finite"):
        eigenvalues(torch.tensor([[float("nan")]], dtype=torch.float64))
