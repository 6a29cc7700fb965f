"""Samples that the discriminator judges together."""

from torch import Tensor, nn

from ganzoo.errors import InputError


class Packing(nn.Module):
    """Concatenate samples along their first axis, some at a time.

    Lin et al. (2018, arXiv:1712.04086), section 2, PacGAN: the discriminator judges m independent
    samples at once, all of them real or all generated; a collapsed generator shows itself in
    samples that are too alike. Departure: the batch stays as it is, so that there are m times
    fewer packs in it.

    Args:
        packing: m.
    """

    def __init__(self, packing: int) -> None:
        super().__init__()
        self.packing = packing

    def forward(self, data: Tensor) -> Tensor:
        """Points ``[B, D]`` as ``[B / m, m D]``, images as ``[B / m, m C, H, W]``.

        Raises:
            InputError: if B is not a multiple of m.
        """
        count = self.packing
        if len(data) % count:
            raise InputError(
                f"packing={count} needs batches of a multiple of {count} samples, not "
                f"{len(data)}: set dataset.batch_size"
            )
        return data.reshape(len(data) // count, count * data.shape[1], *data.shape[2:])


def check_packs(count: int, parts: int, packing: int) -> None:
    """Refuse batches that cannot be divided into parts of whole packs.

    Args:
        count: Samples in the batch.
        parts: Parts in which it passes through the discriminator.
        packing: Samples in a pack.

    Raises:
        InputError: naming the settings.
    """
    whole = parts * packing
    if packing > 1 and count % whole:
        raise InputError(
            f"packing={packing} needs batches of a multiple of {whole} samples, not {count}: set "
            "dataset.batch_size, or drop_last=True in a loader of your own whose last batch is "
            "smaller"
        )
