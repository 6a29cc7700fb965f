"""Differences of functions of log densities, without loss of digits where the densities are close.

All are finite, with finite derivatives, for any finite arguments whose results are.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

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


def squared_root_difference(log_p: Tensor, log_q: Tensor) -> Tensor:
    """``(sqrt(p) - sqrt(q))^2``; any shape."""
    ratio = log_p - log_q
    near = ratio.abs() < 1
    close = 4 * ((log_p + log_q) / 2).exp() * (ratio.masked_fill(~near, 0) / 4).sinh().square()
    far = torch.maximum(log_p, log_q).exp() * (-ratio.abs() / 2).expm1().square()
    return torch.where(near, close, far)


def twice_jensen_shannon(log_p: Tensor, log_q: Tensor) -> Tensor:
    """``p log(2p/(p + q)) + q log(2q/(p + q))``; any shape."""
    ratio = log_p - log_q
    near = ratio.abs() < 1
    half = ratio.masked_fill(~near, 0) / 2
    log_cosh = (2 * (half / 2).sinh().square()).log1p()
    close = 2 * (half * half.sinh() - log_cosh * half.cosh())
    far = log_p.exp() * (math.log(2) + functional.logsigmoid(ratio))
    far = far + log_q.exp() * (math.log(2) + functional.logsigmoid(-ratio))
    return torch.where(near, ((log_p + log_q) / 2).exp() * close, far)
