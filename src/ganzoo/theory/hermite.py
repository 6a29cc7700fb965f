"""Expectations over standard normal vectors by Gauss-Hermite quadrature."""

import math

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import InputError, check_whole

# More points than this in a product rule are a mistake.
MOST = 200_000


def normal_nodes(*, nodes: int, dimension: int) -> tuple[Tensor, Tensor]:
    """Points and weights with which ``E f(z)`` is the weighted sum of f, for z from N(0, I).

    The product of one-dimensional rules: exact for polynomials up to degree ``2 nodes - 1`` in
    each entry of z.

    Args:
        nodes: points along each axis, at least 1.
        dimension: entries of z, at least 1.

    Returns:
        Points ``[M, dimension]`` and weights ``[M]`` that sum to 1, with M = nodes^dimension.

    Raises:
        InputError: if a number is out of range, or M is above 200000.
    """
    check_whole(nodes=nodes, dimension=dimension)
    if nodes**dimension > MOST:
        raise InputError(
            f"{nodes} nodes in {dimension} dimensions are {nodes**dimension} points: take fewer"
        )
    line, masses = np.polynomial.hermite_e.hermegauss(nodes)
    axes = [torch.from_numpy(line)] * dimension
    shares = [torch.from_numpy(masses / math.sqrt(2 * math.pi))] * dimension
    points = torch.cartesian_prod(*axes).view(-1, dimension)
    return points, torch.cartesian_prod(*shares).view(-1, dimension).prod(dim=1)
