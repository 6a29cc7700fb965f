"""Generated pictures of earlier updates, one at a time in place of new ones."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole


@defaults_from("model/cycle_gan")
class ImagePool(nn.Module):
    """The history of generated pictures that CycleGAN's discriminators see.

    Zhu et al. (2017, arXiv:1703.10593), section 4, after Shrivastava et al. (2017,
    arXiv:1612.07828). As in the authors' code pictures pass one after another: while there is room,
    each is stored and returned; after that each is exchanged with probability 1/2, which returns
    the stored picture of a random place and stores the new one there, or else it is returned and
    not stored. So a picture may be returned that the same batch has stored.

    The pictures and their number are buffers: they follow the model to its device and into its
    checkpoints. Each device has a pool of its own. Nothing waits for the device.

    Departure: pictures that are not finite are never stored.

    Args:
        size: pictures in the pool, at least 1 (the paper takes 50).
        probability: that a new picture is exchanged once the pool is full, in [0, 1].
        shape: of one picture, [C, H, W].

    Raises:
        InputError: if a number is out of range.
    """

    pool: Tensor
    count: Tensor

    def __init__(
        self, *, size: int = FROM_CONFIG, probability: float = FROM_CONFIG, shape: Sequence[int]
    ) -> None:
        super().__init__()
        check_whole(size=size)
        if not 0 <= probability <= 1:
            raise InputError(f"probability must be between 0 and 1, not {probability}")
        self.probability = probability
        self.register_buffer("pool", torch.zeros(size, *shape))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))

    def forward(self, images: Tensor) -> Tensor:
        """Pass pictures ``[B, C, H, W]`` through the pool, with draws of torch's global state.

        Returns:
            As many pictures, without gradients.

        Raises:
            InputError: if they have another shape than the pool was made for.
        """
        chances = torch.rand(len(images), device=images.device)
        places = torch.randint(len(self.pool), (len(images),), device=images.device)
        return self.exchange(images, chances < self.probability, places)

    @torch.no_grad()
    def exchange(self, images: Tensor, exchanged: Tensor, places: Tensor) -> Tensor:
        """Pass pictures through the pool with draws that are given.

        Args:
            images: ``[B, C, H, W]``.
            exchanged: bool ``[B]``, which to exchange where the pool is full.
            places: int64 ``[B]``, with which stored ones, each from 0 to the size less 1.

        Returns:
            As many pictures, without gradients.

        Raises:
            InputError: if they have another shape than the pool was made for.
        """
        if images.shape[1:] != self.pool.shape[1:]:
            raise InputError(
                f"the pool was made for samples {list(self.pool.shape[1:])}, not "
                f"{list(images.shape[1:])}: all must have one shape"
            )
        rows = (torch.split(part, 1) for part in (images, exchanged, places))
        return torch.cat([self._pass(*row) for row in zip(*rows, strict=True)])

    def _pass(self, image: Tensor, exchanged: Tensor, place: Tensor) -> Tensor:
        """Pass one picture ``[1, C, H, W]``, without a look at whether the pool is full."""
        has_room = self.count < len(self.pool)
        stored_at = torch.where(has_room, self.count, place)
        stored = self.pool.index_select(0, stored_at)
        enters = (has_room | exchanged) & image.isfinite().all()
        kept = torch.where(enters, image.to(stored.dtype), stored)
        self.pool.index_copy_(0, stored_at, kept)
        self.count += has_room & enters
        return torch.where(exchanged & ~has_room, stored.to(image.dtype), image)
