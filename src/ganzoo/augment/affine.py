"""Affine maps of the plane as matrices ``[B, 3, 3]`` in float64, of coordinates (x, y, 1)."""

import torch
from torch import Tensor

Number = Tensor | float


def scaling(x: Number, y: Number) -> Tensor:
    """Multiply x and y by factors ``[B]``."""
    return _matrix([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, 1.0]])


def translation(x: Number, y: Number) -> Tensor:
    """Add ``[B]`` to x and to y."""
    return _matrix([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def rotation(angle: Tensor) -> Tensor:
    """Turn by angles ``[B]`` in radians, from the x axis towards the y axis."""
    cosine, sine = angle.cos(), angle.sin()
    return _matrix([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _matrix(rows: list[list[Number]]) -> Tensor:
    """Of entries that are numbers or ``[B]``: ``[B, 3, 3]``, or ``[3, 3]`` of numbers alone."""
    entries = [
        torch.as_tensor(entry, dtype=torch.float64, device="cpu") for row in rows for entry in row
    ]
    shape = max((entry.shape for entry in entries), key=len)
    return torch.stack([entry.expand(shape) for entry in entries], dim=-1).view(*shape, 3, 3)
