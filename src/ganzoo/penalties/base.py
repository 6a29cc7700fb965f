"""What every penalty offers to the game: a weight, an interval and a value."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.errors import check_not_negative, check_whole

Discriminator = Callable[[Tensor], Tensor]
"""Data ``[B, ...]`` to logits ``[B]``; labels, if there are any, are closed over."""


class Penalty(nn.Module, ABC):
    """A term that is added to the discriminator's loss in every ``interval``-th update.

    Lazy regularisation is that of Karras et al. (2020, arXiv:1912.04958), appendix B: a term
    that is computed in one update of ``interval`` is multiplied by ``interval``, which leaves its
    average share of the gradient as it was. Departure: the optimizer's learning rate and decay
    rates are not rescaled.

    Everything is computed in float32 (float64 stays as it is) with autocast off, the forward of
    the discriminator included, because squares of gradients leave the range of half precision.
    The gradients by the data are taken of plain logits, before any scaling of the loss.

    A penalty that keeps running statistics registers them as buffers: they follow the model to
    its device and into its checkpoints.

    Args:
        weight: factor of the term, at least 0.
        interval: the term is due in every interval-th update of the discriminator; 1 is always.

    Raises:
        InputError: if weight is negative or not finite, or interval is not a whole number from 1.
    """

    def __init__(self, *, weight: float, interval: int) -> None:
        super().__init__()
        check_not_negative(weight=weight)
        check_whole(interval=interval)
        self.weight = weight
        self.interval = interval

    def forward(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Compute the term as it enters the loss.

        Args:
            discriminator: data ``[B, ...]`` to logits ``[B]``.
            real: real data ``[B, ...]``.
            fake: generated data ``[B', ...]``; no gradient flows to the generator.

        Returns:
            A scalar: the value, times the weight, times the interval.
        """
        autocast_off = torch.autocast(device_type=real.device.type, enabled=False)
        with torch.enable_grad(), autocast_off:
            value = self.value(discriminator, _constant(real), _constant(fake))
            return self.weight * self.interval * value

    def due(self, update: int) -> bool:
        """Tell whether the term belongs to the discriminator's update of this number, from 0."""
        return update % self.interval == 0

    @abstractmethod
    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Compute the mean over the batch, unweighted, of detached float32 data: a scalar."""


def _constant(data: Tensor) -> Tensor:
    return data.detach().to(torch.promote_types(data.dtype, torch.float32))
