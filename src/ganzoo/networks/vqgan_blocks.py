"""The blocks of VQGAN's autoencoder (Esser et al. 2021, arXiv 2012.09841), those of DDPM's U-Net.

Ho et al. 2020 (arXiv 2006.11239), appendix B, without the time.
"""

from torch import Tensor, nn
from torch.nn import functional

from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.networks.blocks import ResidualBlock, chain


class GroupNormBlocks:
    """Builds residual blocks and attention with group normalisation (Wu and He, arXiv 1803.08494).

    Args:
        groups: of channels that are normalised together.
        eps: added to the variance of a group.
        dropout: probability of dropping a value before a residual block's last convolution.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(self, *, groups: int, eps: float, dropout: float) -> None:
        check_whole(groups=groups)
        check_positive(eps=eps)
        if not 0 <= dropout < 1:
            raise InputError(f"dropout must be at least 0 and below 1, not {dropout}")
        self.groups, self.eps, self.dropout = groups, eps, dropout

    def normalization(self, width: int) -> nn.Module:
        """Return the normalisation of maps with so many channels.

        Raises:
            InputError: if the groups do not divide the channels.
        """
        if width % self.groups:
            raise InputError(
                f"{width} channels cannot be divided into {self.groups} groups: set groups to a "
                "divisor of all widths, or width to a multiple of groups"
            )
        return nn.GroupNorm(self.groups, width, eps=self.eps)

    def residual(self, width_in: int, width_out: int) -> ResidualBlock:
        """Return two times normalisation, swish and a 3x3 convolution, beside a skip.

        The skip is a 1x1 convolution where the number of channels changes.
        """
        dropout = nn.Dropout(self.dropout) if self.dropout else nn.Identity()
        return ResidualBlock(
            residual=chain(
                self.normalization(width_in),
                nn.SiLU(),
                nn.Conv2d(width_in, width_out, 3, padding=1),
                self.normalization(width_out),
                nn.SiLU(),
                dropout,
                nn.Conv2d(width_out, width_out, 3, padding=1),
            ),
            skip=nn.Identity() if width_in == width_out else nn.Conv2d(width_in, width_out, 1),
        )

    def attention(self, width: int) -> ResidualBlock:
        """Return normalisation and attention of one head over all places of a map, and a skip."""
        return ResidualBlock(
            residual=chain(self.normalization(width), SpatialAttention(width)), skip=nn.Identity()
        )


class SpatialAttention(nn.Module):
    """Scaled dot-product attention of one head between the places of a map.

    Vaswani et al. 2017 (arXiv 1706.03762), equation 1, with 1x1 convolutions for the linear maps.

    Args:
        width: C, channels of the map, its queries, keys and values.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (
            nn.Conv2d(width, width, 1) for _ in range(4)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map features [B, C, H, W] to features of that shape."""
        query, key, value = (
            layer(features).flatten(2).transpose(1, 2)[:, None]
            for layer in (self.query, self.key, self.value)
        )
        attended = functional.scaled_dot_product_attention(query, key, value)
        output: Tensor = self.output(attended[:, 0].transpose(1, 2).reshape(features.shape))
        return output


class Downsample(nn.Module):
    """A 3x3 convolution of stride 2 on maps with a row of zeros below and a column at the right.

    Args:
        width: C, channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        """Map features [B, C, H, W] of even sides to [B, C, H / 2, W / 2]."""
        halved: Tensor = self.convolution(functional.pad(features, (0, 1, 0, 1)))
        return halved


def upsampling_layer(width: int) -> nn.Sequential:
    """Return nearest upsampling to twice the size and a 3x3 convolution."""
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1))
