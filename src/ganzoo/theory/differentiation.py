"""First derivatives that can be differentiated again, whatever the function is made of."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import InputError

# The step of a central difference: the cube root of float64's rounding error.
DIFFERENCE = 6e-6


def derivative(value: Tensor, variable: Tensor, *, keep_graph: bool) -> Tensor:
    """Differentiate a scalar.

    Args:
        value: a scalar.
        variable: what it was computed from, of any shape.
        keep_graph: whether the result can be differentiated once more.

    Returns:
        The derivative, of the variable's shape; zeros where the value does not depend on it.
    """
    if not value.requires_grad:
        return torch.zeros_like(variable)
    (found,) = torch.autograd.grad(
        value,
        variable,
        create_graph=keep_graph,
        retain_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return found


def rows_of_derivatives(values: Tensor, variable: Tensor, *, keep_graph: bool) -> Tensor:
    """Differentiate each of the values ``[M]`` by the variable ``[N]``: a matrix ``[M, N]``."""
    rows = [derivative(value, variable, keep_graph=keep_graph) for value in values]
    return torch.stack(rows) if rows else variable.new_zeros(0, len(variable))


def jacobian(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    """The matrix of partial derivatives of a function of vectors.

    It is torch.autograd that differentiates: penalties differentiate inside the function, in a
    way that torch.func does not allow. Where the derivative of a norm at zero leaves an entry
    undefined (0/0), though the function may well have a derivative there, its column is a
    central difference.

    Args:
        function: from ``[N]`` to ``[M]``.
        point: where to differentiate, ``[N]``, float64.

    Returns:
        A matrix ``[M, N]`` without a graph.
    """
    with torch.enable_grad():
        here = point.detach().clone().requires_grad_()
        matrix = rows_of_derivatives(function(here), here, keep_graph=False)
    for column in (~matrix.isfinite()).any(dim=0).nonzero().flatten().tolist():
        matrix[:, column] = _central_difference(function, point.detach(), column)
    return matrix


def eigenvalues(matrix: Tensor) -> Tensor:
    """The eigenvalues of a square matrix in float64: complex ``[N]``, in no order.

    Raises:
        InputError: if an entry is not finite.
    """
    if not matrix.isfinite().all():
        raise InputError("the derivative is not finite there, so that it has no eigenvalues")
    # numpy's LAPACK converges on matrices with tiny entries where torch's gives up.
    values = np.linalg.eigvals(matrix.detach().numpy())
    return torch.from_numpy(values.astype(np.complex128))


def _central_difference(function: Callable[[Tensor], Tensor], point: Tensor, column: int) -> Tensor:
    step = torch.zeros_like(point)
    step[column] = DIFFERENCE
    return (function(point + step) - function(point - step)) / (2 * DIFFERENCE)
