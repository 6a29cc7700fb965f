"""A term of the generator on means and covariances of the discriminator's features."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.features import discriminator_features

MomentDistance = Callable[[Tensor, Tensor], Tensor]
"""Real features ``[B, F]`` and generated ones ``[B', F]`` to a scalar."""


@defaults_from("penalty/moment_matching")
class MomentMatching(Penalty):
    """Bring mean and covariance of generated features to those of real ones.

    The features are the input of the discriminator's last layer. McGAN (Mroueh et al. 2017,
    arXiv:1702.08398) trains both players by such a distance of means and covariances; here it
    is a term beside any adversarial loss of the generator, as feature matching (Salimans et al.
    2016, arXiv:1606.03498, section 3.1) is with means alone.

    Departures: the discriminator does not maximise the distance, it has its own loss. Moments are
    those of the samples that pass through the networks together, on one device, so that the term
    depends on the batch size. Batch normalisation in the discriminator would hide differences,
    since it brings each batch to mean 0 and variance 1 by itself.

    Args:
        distance: one of :mod:`ganzoo.penalties.moment_distances`.
        term: see :class:`~ganzoo.penalties.base.Penalty`.

    Raises:
        InputError: if a number is out of range; later, if the discriminator has no linear or
            convolution layer.
    """

    role = "generator"

    def __init__(self, *, distance: MomentDistance = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        self.distance = distance

    def value(self, context: Context) -> Tensor:
        """Measure the distance of the generated batch."""
        with torch.no_grad():
            theirs = discriminator_features(context, context.real)
        mine = discriminator_features(context, context.fake)
        basis = orthonormal_basis(theirs, mine)
        return self.distance(theirs @ basis, mine @ basis)


@torch.no_grad()
def orthonormal_basis(real: Tensor, fake: Tensor) -> Tensor:
    """Find an orthonormal basis of what two batches of features span.

    Distances of means and covariances are the same in it, and so are their gradients: both
    batches have no variance outside. It saves work where there are more features than samples.

    Args:
        real: features ``[B, F]``.
        fake: features ``[B', F]``.

    Returns:
        Columns ``[F, min(F, B + B')]``.
    """
    if real.shape[1] <= len(real) + len(fake):
        return torch.eye(real.shape[1], dtype=real.dtype, device=real.device)
    basis: Tensor = torch.linalg.qr(torch.cat([real, fake]).T).Q
    return basis
