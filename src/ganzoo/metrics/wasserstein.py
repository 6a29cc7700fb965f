"""Exact Wasserstein distances between two sets of samples."""

from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.metrics.transport import TransportDistance

# The network simplex ends long before; without a bound like this one it may give up in silence.
_MOST_PIVOTS = 10**9


class _ExactWasserstein(TransportDistance):
    """Wasserstein distance of some order, through the network simplex of POT."""

    order: ClassVar[int]

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """Solve the transport problem between ``[N, D]`` and ``[M, D]`` exactly."""
        cost = torch.cdist(
            first.double(), second.double(), compute_mode="donot_use_mm_for_euclid_dist"
        )
        total = _transport_cost(cost.pow_(self.order).cpu())
        return total.clamp(min=0).pow(1 / self.order)


@defaults_from("metrics/wasserstein")
class Wasserstein1(_ExactWasserstein):
    """Wasserstein-1 distance of the two empirical distributions, with Euclidean cost.

    The cost of the best plan that moves one set into the other, all samples of a set weighing the
    same (Villani 2009, definition 6.1), solved exactly by the network simplex of POT (Bonneel et
    al. 2011; Flamary et al. 2021); the sets may differ in size. ``compute`` returns
    ``wasserstein``, in the units of the data.

    The time is about that of the square of the number of samples in practice (5,000 points: some
    seconds) and more at worst, and memory is its square. An assignment solver takes minutes where
    many costs are nearly equal, which a collapsed generator brings about.

    Args:
        limit: The largest number of samples of each kind.
        floor: Whether to return the distance between two halves of the real data as well; see
            :class:`~ganzoo.metrics.transport.TransportDistance`.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if limit is not a positive whole number, and by ``compute`` if a set is empty
            or has more than ``limit`` samples.
    """

    name = "wasserstein"
    order = 1
    directions: ClassVar[dict[str, str]] = {"wasserstein": "minimize"}


@defaults_from("metrics/wasserstein2")
class Wasserstein2(_ExactWasserstein):
    """Wasserstein-2 distance of the two empirical distributions.

    The square root of the best plan's cost, with squared Euclidean distances; otherwise as
    :class:`Wasserstein1`. The Frechet distance of two Gaussians is its square (Dowson and Landau
    1982). ``compute`` returns ``wasserstein2``, in the units of the data.

    Args:
        limit: The largest number of samples of each kind.
        floor: Whether to return the distance between two halves of the real data as well.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: as :class:`Wasserstein1`.
    """

    name = "wasserstein2"
    order = 2
    directions: ClassVar[dict[str, str]] = {"wasserstein2": "minimize"}


def _transport_cost(cost: Tensor) -> Tensor:
    """The least mean cost ``[N, M]`` of moving N equal masses onto M equal ones."""
    import ot  # takes a second, which runs that do not measure should not wait for

    weights = [torch.full((size,), 1 / size, dtype=torch.float64).numpy() for size in cost.shape]
    total = ot.emd2(*weights, cost.numpy(), numItermax=_MOST_PIVOTS)
    return torch.tensor(float(total), dtype=torch.float64)
