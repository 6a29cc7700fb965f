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
        import ot  # takes a second, which runs that do not measure should not wait for

        sets = first.double(), second.double()
        directions = random_directions(first.shape[1], self.projections, self.seed)
        at_once = _VALUES // max(map(len, sets)) or 1
        costs = [
            ot.emd2_1d(*line, metric="minkowski", p=self.order)
            for some in torch.split(directions.to(first.device), at_once, dim=1)
            for line in zip(*((some.T @ points.T).cpu().numpy() for points in sets), strict=True)
        ]
        return torch.tensor(costs, dtype=torch.float64).mean().pow(1 / self.order)


@defaults_from("metrics/sliced_wasserstein")
class SlicedWasserstein1(_SlicedWasserstein):
    """Sliced Wasserstein-1 distance (Rabin et al. 2011; Bonneel et al. 2015, section 3).

    The mean over random directions of the Wasserstein-1 distance between the sets' projections,
    which is exact to rounding, for sets of any two sizes, and takes only sorting, by POT on the
    CPU: so it serves where the exact distance takes too long. It is at most the Wasserstein-1
    distance, and falls with the number of dimensions D about as 1 / sqrt(D) for the same shift.
    ``compute`` returns ``sliced_wasserstein``, in the units of the data.

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
