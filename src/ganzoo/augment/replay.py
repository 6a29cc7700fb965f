"""Generated samples of earlier updates, shown to the discriminator again."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole


@defaults_from("augment/replay/buffer")
class ReplayBuffer(nn.Module):
    """A pool of earlier generated samples, from which part of each batch comes.

    Shrivastava et al. (2017, arXiv:1612.07828), section 2.3: the discriminator would forget what
    the generator has left behind, and the generator could come back to it. With a share of 1/2
    half of the generated batch of a discriminator update is drawn from the pool, and as many new
    samples take the places of random ones in it.

    The pool and the number of its samples are buffers: they follow the model to its device and
    into its checkpoints. Each device has a pool of its own. Until it is full, samples are added
    and none is drawn. Samples that are not finite never enter.

    Args:
        size: samples in the pool, at least 1.
        share: of the batch that comes from the pool, in (0, 1].
        shape: of one sample, [D] or [C, H, W].

    Raises:
        InputError: if a number is out of range.
    """

    pool: Tensor
    count: Tensor

    def __init__(
        self, *, size: int = FROM_CONFIG, share: float = FROM_CONFIG, shape: Sequence[int]
    ) -> None:
        super().__init__()
        check_whole(size=size)
        if not 0 < share <= 1:
            raise InputError(f"replay.share must be above 0 and at most 1, not {share}")
        self.share = share
        self.register_buffer("pool", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, fresh: Tensor) -> Tensor:
        """Exchange part of a batch ``[B, ...]``, or all of the pool where that is less.

        Returns:
            As many samples, without gradients; those from the pool come first.
        """
        exchanged = min(max(1, round(self.share * len(fresh))), len(self.pool))
        arriving, staying = fresh[:exchanged], fresh[exchanged:]
        places = self._places(exchanged)
        leaving = self.pool[places]
        finite = arriving.flatten(1).isfinite().all(1).view(-1, *[1] * (fresh.dim() - 1))
        full = self.count >= len(self.pool)
        self.pool[places] = torch.where(finite, arriving.to(self.pool.dtype), leaving)
        self.count.add_(exchanged).clamp_(max=len(self.pool))
        shown = torch.where(full, leaving.to(fresh.dtype), arriving)
        return torch.cat([shown, staying])

    def _places(self, number: int) -> Tensor:
        """The next free places, or random ones, without a look at which of the two it is."""
        size, device = len(self.pool), self.pool.device
        free = (self.count + torch.arange(number, device=device)) % size
        chosen = torch.randperm(size, device=device)[:number]
        return torch.where(self.count >= size, chosen, free)
