"""Sinkhorn divergence between two sets of samples."""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole
from ganzoo.metrics.distances import blocks, full_precision, scaling_to_unit_cube
from ganzoo.metrics.transport import TransportDistance

_BLOCK = 2**22


@defaults_from("metrics/sinkhorn")
class SinkhornDivergence(TransportDistance):
    """Sinkhorn divergence with squared Euclidean cost (Feydy et al. 2019, equation 3, 1810.08278).

    ``OT(x, y) - OT(x, x) / 2 - OT(y, y) / 2``, where OT is the transport cost plus a
    regularization times the Kullback-Leibler divergence of the plan from independence (equation
    1). The two terms on the right take away what the regularization adds, so that two equal sets
    are at 0, and the more of what finite samples add, the larger the regularization is. It tends
    to the squared Wasserstein-2 distance for a small regularization, to the squared distance of
    the means for a large one. ``compute`` returns ``sinkhorn_divergence``, in squared units of
    the data.

    The plan is found by Sinkhorn's updates of the two potentials in the log domain, the
    regularization halved from the largest cost down to its value (a set's own potential settles
    without, by averaging with its update); they run in float32, and a last
    one of each potential, from which the value is taken, in float64. Where the updates end before
    they have settled, the transport costs are slightly too low. Time and memory are the square of
    the number of samples (4 bytes a pair).

    POT's solver in the log domain has the same potentials, but holds several matrices of 8 bytes
    a pair, and what its ``sinkhorn2`` returns is the cost of the plan without the divergence.

    Departure from the paper: the regularization is in units of the data's own scale.

    Args:
        regularization: As a share of the mean squared distance between two real samples.
        iterations: The most updates of each potential at the final regularization.
        tolerance: The updates end where no potential changes by more than this share of the
            regularization.
        limit: The largest number of samples of each kind.
        floor: Whether to return the divergence between two halves of the real data as well; see
            :class:`~ganzoo.metrics.transport.TransportDistance`.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if a number is not positive, or iterations or limit not whole, and by
            ``compute`` if a set is empty or has more than ``limit`` samples.
    """

    name = "sinkhorn_divergence"
    directions: ClassVar[dict[str, str]] = {"sinkhorn_divergence": "minimize"}

    def __init__(
        self,
        *,
        regularization: float = FROM_CONFIG,
        iterations: int = FROM_CONFIG,
        tolerance: float = FROM_CONFIG,
        limit: int = FROM_CONFIG,
        floor: bool = FROM_CONFIG,
        **options: Any,
    ) -> None:
        check_positive(regularization=regularization, tolerance=tolerance)
        check_whole(iterations=iterations)
        super().__init__(limit=limit, floor=floor, **options)
        self.regularization = regularization
        self.iterations = iterations
        self.tolerance = tolerance

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """The divergence of ``[N, D]`` and ``[M, D]``; the first sets the scale."""
        spread = 2 * float(first.double().var(dim=0, correction=0).sum())
        if spread == 0:  # one real point: every regularization above zero gives the same
            spread = float((first[:1].double() - second.double()).square().sum(1).mean()) or 1.0
        epsilon = self.regularization * spread
        settings: dict[str, Any] = {"iterations": self.iterations, "tolerance": self.tolerance}
        mixed = entropic_cost(_costs(first, second), epsilon, **settings)
        own, other = (own_cost(_costs(x, x), epsilon, **settings) for x in (first, second))
        return torch.tensor(max(0.0, mixed - (own + other) / 2), dtype=torch.float64)


def entropic_cost(cost: Tensor, epsilon: float, *, iterations: int, tolerance: float) -> float:
    """The least transport cost plus epsilon times KL(plan || product of the marginals).

    Args:
        cost: ``[N, M]``, not negative, float32.
        epsilon: The regularization, in the units of the cost.
        iterations: The most updates at this epsilon.
        tolerance: The updates end at changes of at most ``tolerance * epsilon``.

    Returns:
        The value of the dual problem (Feydy et al. 2019, equation 8), which bounds the least from
        below and equals it where the updates have settled.
    """
    left, right = cost.new_zeros(len(cost)), cost.new_zeros(cost.shape[1])
    largest = max(float(cost.max()), epsilon)
    for step in range(int(math.log2(largest / epsilon)), 0, -1):
        left = _softmin(cost, right, epsilon * 2.0**step)
        right = _softmin(cost.T, left, epsilon * 2.0**step)
    for _ in range(iterations):
        before = left
        left = _softmin(cost, right, epsilon)
        right = _softmin(cost.T, left, epsilon)
        if float((left - before).abs().max()) <= tolerance * epsilon:
            break
    left = _softmin(cost, right.double(), epsilon)
    right = _softmin(cost.T, left, epsilon)
    return float(left.mean() + right.mean())


def own_cost(cost: Tensor, epsilon: float, *, iterations: int, tolerance: float) -> float:
    """The same for a set against itself, whose two potentials are one.

    The mean of a potential and its update settles in a few steps (Feydy et al. 2019, section 3.1).

    Args:
        cost: ``[N, N]``, symmetric.
        epsilon: As for :func:`entropic_cost`, like the others.
        iterations: The most updates.
        tolerance: The updates end at changes of at most ``tolerance * epsilon``.
    """
    potential = cost.new_zeros(len(cost))
    for _ in range(iterations):
        before = potential
        potential = (before + _softmin(cost, before, epsilon)) / 2
        if float((potential - before).abs().max()) <= tolerance * epsilon:
            break
    left = _softmin(cost, potential.double(), epsilon)
    return float(left.mean() + _softmin(cost, left, epsilon).mean())


def _softmin(cost: Tensor, potential: Tensor, epsilon: float) -> Tensor:
    """``-epsilon log mean exp((potential - cost) / epsilon)`` of each row, in blocks of rows."""
    rows = max(1, _BLOCK // cost.shape[1])
    shifted = potential / epsilon - math.log(cost.shape[1])
    parts = [
        torch.logsumexp(shifted - cost[first : first + rows].to(potential.dtype) / epsilon, dim=1)
        for first in range(0, len(cost), rows)
    ]
    return -epsilon * torch.cat(parts)


@torch.no_grad()
def _costs(first: Tensor, second: Tensor) -> Tensor:
    """Squared distances ``[N, M]``, made in float64 and kept in float32."""
    scaling = scaling_to_unit_cube(first, second, dtype=torch.float64)
    costs = torch.empty(len(first), len(second), device=first.device)
    with full_precision(first.device):
        for start, columns in blocks(second):
            right, _ = scaling.factors(columns, last=True)
            for row, rows in blocks(first):
                squared = scaling.factors(rows)[0] @ right.T / scaling.scale**2
                costs[row : row + len(rows), start : start + len(columns)] = squared.clamp_(min=0)
    return costs
