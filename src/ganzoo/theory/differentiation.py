"""Derivatives of maps of vectors that automatic differentiation does not reach."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import InputError

# Rounding over the step and the fifth derivative times its fourth power are both about 1e-13.
STEP = 1e-3
# How far, of a derivative's size, difference quotients of two steps may be apart.
AGREEMENT = 1e-2


def jacobian_by_differences(
    function: Callable[[Tensor], Tensor], point: Tensor
) -> tuple[Tensor, bool]:
    """The matrix of partial derivatives, by central differences of order four.

    Args:
        function: From ``[N]`` to ``[M]``, in float64.
        point: Where to differentiate, ``[N]``, float64.

    Returns:
        A matrix ``[M, N]``, exact to about 1e-12 where function and point are of size 1, and
        whether the quotients of two steps agree: where they do not there is no derivative.
    """
    near, far = (_quotients(function, point, step) for step in (STEP, 2 * STEP))
    agree = (near - far).abs() <= AGREEMENT * (AGREEMENT + near.abs().max())
    return (4 * near - far) / 3, bool(agree.all())


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


def _quotients(function: Callable[[Tensor], Tensor], point: Tensor, step: float) -> Tensor:
    columns = [
        (function(point + move) - function(point - move)) / (2 * step)
        for move in step * torch.eye(len(point), dtype=point.dtype)
    ]
    return torch.stack(columns, dim=1)
