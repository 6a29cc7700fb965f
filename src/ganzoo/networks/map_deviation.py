"""How much the samples of a group vary, as maps beside their own."""

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_whole
from ganzoo.networks.equalized import EPS
from ganzoo.precision import at_least_float32


class MapDeviation(nn.Module):
    """Append to the maps of samples the mean standard deviation within their group.

    Karras et al. 2018 (arXiv 1710.10196), section 3, as in the authors' code of StyleGAN2: the
    members of a group stand B / G apart in the batch, and each added map is the mean over one share
    of the channels and over all places. In float32 also where the network runs in half precision.

    Args:
        group_size: G, of which a smaller batch is one group; None takes the whole batch.
        features: maps that are added, which divide the channels.

    Raises:
        InputError: if a number is not whole and positive.
    """

    def __init__(self, *, group_size: int | None, features: int) -> None:
        super().__init__()
        check_whole(group_size=1 if group_size is None else group_size, group_features=features)
        self.group_size, self.features = group_size, features

    def forward(self, maps: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, C + features, H, W].

        Raises:
            InputError: if groups do not divide the batch, or added maps the channels.
        """
        count, channels, *size = maps.shape
        group = count if self.group_size is None else min(self.group_size, count)
        if count % group or channels % self.features:
            raise InputError(
                f"deviations are taken in groups of {group} of {count} samples and of {channels} "
                f"channels in {self.features} parts, which must divide them: set group_size or "
                "group_features of the discriminator, or dataset.batch_size"
            )
        shape = group, count // group, self.features, channels // self.features, *size
        groups = at_least_float32(maps).reshape(shape)
        deviations = (groups.var(dim=0, correction=0) + EPS).sqrt().mean(dim=(2, 3, 4))
        added = deviations.repeat(group, 1)[:, :, None, None].expand(-1, -1, *size)
        return torch.cat([maps, added.to(maps.dtype)], dim=1)
