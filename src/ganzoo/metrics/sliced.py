"""Sliced Wasserstein distances between two sets of samples."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.transport import TransportDistance

# Projections of one block: their values take at most 32 MiB a set in float64.
_VALUES = 2**22


@defaults_from()
class _SlicedWasserstein(TransportDistance):
    """Mean over random directions of the Wasserstein distance on the line."""

    order: ClassVar[int]

    def __init__(
        self,
        *,
        projections: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        limit: int = FROM_CONFIG,
        floor: bool = FROM_CONFIG,
        **options: Any,
    ) -> None:
        check_whole(projections=projections)
        super().__init__(limit=limit, floor=floor, **options)
        self.projections = projections
        self.seed = seed

    def distance(self, first: Tensor, second: Tensor) -> Tensor:
        """Average over the directions between ``[N, D]`` and ``[M, D]``."""
        directions = random_directions(first.shape[1], self.projections, self.seed)
        at_once = max(1, _VALUES // max(len(first), len(second)))
        costs = []
        for start in range(0, self.projections, at_once):
            some = directions[:, start : start + at_once].to(first.device)
            projected = first.double() @ some, second.double() @ some
            costs.append(line_costs(*projected, order=self.order))
        return torch.cat(costs).mean().pow(1 / self.order)


@defaults_from("metrics/sliced_wasserstein")
class SlicedWasserstein1(_SlicedWasserstein):
    """Sliced Wasserstein-1 distance (Rabin et al. 2011; Bonneel et al. 2015, section 3).

    The mean over random directions of the Wasserstein-1 distance between the sets' projections,
    which is exact, for sets of any two sizes, and takes only sorting: so it serves where the exact
    distance takes too long. It is at most the Wasserstein-1 distance, and falls with the number of
    dimensions D about as 1 / sqrt(D) for the same shift. ``compute`` returns
    ``sliced_wasserstein``, in the units of the data.

    Departure: this is not the distance on patches of a Laplacian pyramid of the same name
    (Karras et al. 2018, 1710.10196).

    Args:
        projections: Number of directions, uniform on the sphere.
        seed: Chooses the directions; the same at each call.
        limit: The largest number of samples of each kind.
        floor: Whether to return the distance between two halves of the real data as well; see
            :class:`~ganzoo.metrics.transport.TransportDistance`.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if projections or limit is not a positive whole number, and by ``compute`` if
            a set is empty or has more than ``limit`` samples.
    """

    name = "sliced_wasserstein"
    order = 1
    directions: ClassVar[dict[str, str]] = {"sliced_wasserstein": "minimize"}


@defaults_from("metrics/sliced_wasserstein2")
class SlicedWasserstein2(_SlicedWasserstein):
    """Sliced Wasserstein-2 distance (Rabin et al. 2011; Bonneel et al. 2015, section 3).

    The root of the mean over random directions of the squared Wasserstein-2 distance between the
    sets' projections; otherwise as :class:`SlicedWasserstein1`. ``compute`` returns
    ``sliced_wasserstein2``, in the units of the data.

    Args:
        projections: Number of directions, uniform on the sphere.
        seed: Chooses the directions; the same at each call.
        limit: The largest number of samples of each kind.
        floor: Whether to return the distance between two halves of the real data as well.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: as :class:`SlicedWasserstein1`.
    """

    name = "sliced_wasserstein2"
    order = 2
    directions: ClassVar[dict[str, str]] = {"sliced_wasserstein2": "minimize"}


def random_directions(dimension: int, count: int, seed: int) -> Tensor:
    """Draw unit vectors, the columns of ``[D, L]``, float64."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(dimension, count, generator=generator, dtype=torch.float64)
    unit: Tensor = directions / directions.norm(dim=0)
    return unit


def line_costs(first: Tensor, second: Tensor, *, order: int) -> Tensor:
    """The least mean of ``|x - y|`` to the given power, for each of L pairs of sets on the line.

    The best plan joins equal quantiles (Villani 2003, theorem 2.18): both quantile functions are
    constant between the levels i / N and j / M.

    Args:
        first: ``[N, L]``.
        second: ``[M, L]``.
        order: The power, at least 1.

    Returns:
        ``[L]``.
    """
    n, m = len(first), len(second)
    # In units of 1 / (N M) the levels are whole numbers, and none is missed by rounding.
    levels = torch.cat([torch.arange(n + 1) * m, torch.arange(1, m) * n])
    levels = levels.to(first.device).sort().values
    weights = levels.diff().to(first) / (n * m)
    left, right = first.sort(dim=0).values, second.sort(dim=0).values
    apart = left[levels[:-1] // m] - right[levels[:-1] // n]
    costs: Tensor = apart.abs().pow(order).mul(weights[:, None]).sum(dim=0)
    return costs
