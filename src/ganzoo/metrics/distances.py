"""Squared distances between two sets, block by block, with a bound on what rounding can change.

A matrix product makes a block of squared distances fast, but it rounds, and differently from block
to block. So a product only screens: every decision that its rounding could change is taken again
on distances that are summed directly in float64, always in the same order. The outcome is that of
float64 distances, whatever the blocks, the threads or the device, at the cost of float32 products.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# A block holds at most 16 MiB of float32 distances, and as much of samples unless one is large.
_MOST_ROWS = 2048
_LEAST_ROWS = 16
_VALUES = 2**22
# Below, a product costs no more in float64; above, the bound of float32 would decide too little.
_FLOAT32_DIMENSIONS = range(16, 2**13)
# Where float32 leaves the most that is added to the bound, in units of the largest coordinate.
_UNDERFLOW = 1e-30
_GROUP = 16


@dataclass(frozen=True)
class Scaling:
    """A shift and a scale by a power of two, under which sets lie within the unit cube.

    Attributes:
        center: ``[D]``, near the mean of the sets, so that little is lost to cancellation.
        scale: Power of two that brings the largest coordinate to at most 1.
        dtype: In which products are made.
    """

    center: Tensor
    scale: float
    dtype: torch.dtype

    def factors(self, points: Tensor, *, last: bool = False) -> tuple[Tensor, Tensor]:
        """Return points as factors of a product of squared distances, and their squared norms.

        With ``(x, |x|^2, 1)`` and ``(-2 y, 1, |y|^2)`` one product gives ``|x - y|^2``.

        Args:
            points: ``[B, D]``.
            last: Whether these are the second factor.

        Returns:
            ``[B, D + 2]`` and ``[B]``, in the scaling's dtype.
        """
        finer = torch.promote_types(points.dtype, self.dtype)
        placed = (points.to(finer) - self.center.to(finer)).mul_(self.scale).to(self.dtype)
        norms = placed.square().sum(dim=1, keepdim=True)
        parts = [placed, norms, torch.ones_like(norms)]
        if last:
            parts = [placed.mul_(-2), parts[2], norms]
        return torch.cat(parts, dim=1), norms.squeeze(1)

    def error_bound(self, norms: Tensor) -> Tensor:
        """Bound the error of a squared distance by the sum of its points' squared norms.

        A sum of n products is off by at most n u / (1 - n u) times the sum of their absolute
        values, in any order (Higham 2002, section 3.1), with u the unit roundoff. The D + 2
        products sum to at most twice the two norms, which are themselves off by D u, and shift
        and cast move each point by at most 2 u of its norm: (3 D + 12) u in all.

        Args:
            norms: ``|x|^2 + |y|^2``, as :meth:`factors` gives them.
        """
        unit = torch.finfo(self.dtype).eps / 2
        return norms * (4 * (len(self.center) + 8) * unit) + _UNDERFLOW


def scaling_to_unit_cube(*sets: Tensor, dtype: torch.dtype | None = None) -> Scaling:
    """Choose the scaling for distances within and between sets of points ``[N, D]``.

    Args:
        sets: At least one set; all on the same device.
        dtype: In which products are made; by default what is fastest at their dimension.
    """
    if dtype is None:
        fast = sets[0].shape[1] in _FLOAT32_DIMENSIONS
        dtype = torch.float32 if fast else torch.float64
    parts = [rows for points in sets for _, rows in blocks(points)]
    count = sum(len(rows) for rows in parts)
    center = torch.stack([rows.double().sum(dim=0) for rows in parts]).sum(dim=0) / count
    if all(points.dtype == torch.float32 for points in sets):
        center = center.float()  # the same number for every point, so that nothing is lost
    largest = max(float((rows - center).abs().amax()) for rows in parts)
    scale = 2.0 ** -math.frexp(largest)[1] if largest > 0 else 1.0
    return Scaling(center.double(), scale, dtype)


def blocks(points: Tensor) -> list[tuple[int, Tensor]]:
    """Cut ``[N, D]`` into pairs of a first index and the rows from there on."""
    rows = rows_per_block(points)
    return [(first, points[first : first + rows]) for first in range(0, len(points), rows)]


def rows_per_block(points: Tensor) -> int:
    """How many rows of ``[N, D]`` make a block."""
    return min(_MOST_ROWS, max(_LEAST_ROWS, _VALUES // max(1, points.shape[1])))


def find_below(values: Tensor, limits: Tensor) -> tuple[Tensor, Tensor]:
    """Find the few entries of a matrix that are at most their row's or their column's limit.

    Looks into a group of entries only if its smallest is, which reads the matrix once.

    Args:
        values: ``[R, C]``.
        limits: ``[R, 1]`` or ``[1, C]``.

    Returns:
        Row and column indices ``[P]``, each pair once.
    """
    along = int(limits.shape == (len(values), 1))
    parts = math.gcd(values.shape[along], _GROUP)
    stride = values.shape[along] // parts
    rows, columns = values.shape
    shape = (rows, parts, stride) if along else (parts, stride, columns)
    groups = values.reshape(shape).movedim(along, 0)
    row, column = (groups.amin(dim=0) <= limits).nonzero(as_tuple=True)
    own = limits[row, 0] if along else limits[0, column]
    part, hit = (groups[:, row, column] <= own).nonzero(as_tuple=True)
    row, column = row[hit], column[hit]
    return (row, part * stride + column) if along else (part * stride + row, column)


def direct_distances(rows: Tensor, row: Tensor, columns: Tensor, column: Tensor) -> Tensor:
    """Distances of index pairs ``[P]``, float64, each summed in the same order."""
    distances = [torch.empty(0, dtype=torch.float64, device=rows.device)]
    block = rows_per_block(rows)
    for first in range(0, len(row), block):
        left = rows[row[first : first + block]].double().unsqueeze(1)
        right = columns[column[first : first + block]].double().unsqueeze(1)
        mode = "donot_use_mm_for_euclid_dist"
        distances.append(torch.cdist(left, right, compute_mode=mode).flatten())
    return torch.cat(distances)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Make float32 products with all their bits, whatever TF32, bfloat16 or autocast are set to."""
    before = _precision()
    try:
        _set_precision(["ieee"] * len(_BACKENDS) or "highest")
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        _set_precision(before)


# Since torch 2.9 each backend has a setting, and the common one cannot be read if they differ.
_BACKENDS: list[Any] = [
    backend
    for backend in (torch.backends.cuda.matmul, getattr(torch.backends.mkldnn, "matmul", None))
    if hasattr(torch.backends.mkldnn, "matmul")
]


def _precision() -> list[str] | str:
    return [b.fp32_precision for b in _BACKENDS] or torch.get_float32_matmul_precision()


def _set_precision(setting: list[str] | str) -> None:
    if isinstance(setting, str):
        torch.set_float32_matmul_precision(setting)
        return
    for backend, value in zip(_BACKENDS, setting, strict=True):
        backend.fp32_precision = value
