import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.theory.differentiation import derivative, eigenvalues, jacobian

POINT = torch.tensor([0.3, -1.2, 0.8], dtype=torch.float64)


def smooth(x):
    return torch.stack([x[0] * x[1].exp(), (x * x).sum() * x[2], torch.sin(x[0] - x[2])])


def test_jacobian_is_that_of_torch_func():
    torch.testing.assert_close(jacobian(smooth, POINT), torch.func.jacrev(smooth)(POINT))


def test_functions_that_differentiate_inside_have_a_jacobian():
    def slopes(x):
        (inner,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        return inner

    expected = np.diag(6 * POINT.numpy())
    np.testing.assert_allclose(jacobian(slopes, POINT).numpy(), expected)


def test_eigenvalues_are_those_of_a_polynomial():
    companion = torch.tensor([[2.0, -5.0, 4.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    found = np.sort_complex(eigenvalues(companion.double()).numpy())
    np.testing.assert_allclose(found, np.sort_complex(np.roots([1, -2, 5, -4])))


def test_eigenvalues_of_matrices_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="not finite"):
        eigenvalues(torch.tensor([[float("nan")]], dtype=torch.float64))


def test_constants_and_unused_variables_have_zero_derivatives():
    assert jacobian(lambda x: torch.ones(2, dtype=x.dtype), POINT).tolist() == [[0.0] * 3] * 2
    x = POINT.clone().requires_grad_()
    unused = torch.ones((), requires_grad=True) * 2
    assert derivative(unused, x, keep_graph=False).tolist() == [0.0] * 3


def test_the_derivative_of_a_power_of_a_norm_at_zero_is_not_nan():
    """d/dx of the gradient of |x|^4 + 3 x^2 is 6 at 0; automatic differentiation gives 0/0."""

    def slope(x):
        x = x if x.requires_grad else x.clone().requires_grad_()
        value = torch.linalg.vector_norm(x) ** 4 + 3 * x.square().sum()
        return derivative(value, x, keep_graph=True)

    zero = torch.zeros(1, dtype=torch.float64)
    assert jacobian(slope, zero).item() == pytest.approx(6, abs=1e-6)
