"""A difference of functions without loss of digits where they are close."""

import math

import torch
from torch import Tensor

_TERMS = [1 / math.factorial(order) for order in range(14, 1, -1)]


def exponential_excess(values: Tensor) -> Tensor:
    """``e^x - 1 - x``, to rounding also where x is small; any shape."""
    near = values.abs() < 0.5
    small = values.masked_fill(~near, 0)
    series = torch.zeros_like(small)
    for term in _TERMS:
        series = series * small + term
    rest = values.masked_fill(near, 1)
    return torch.where(near, series * small.square(), rest.expm1() - rest)
