"""The U-Net of pix2pix (Isola et al. 2017, arXiv 1611.07004)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_whole
from ganzoo.networks.blocks import dropout_layers
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.patchgan import WIDEST
from ganzoo.networks.shapes import check_image_shape, check_images


@defaults_from("network/unet")
class UNetGenerator(nn.Module):
    """Convolutions that halve pictures, then as many that double them, with skips (section 6.1.1).

    Each level down is LeakyReLU, a 4x4 convolution of stride 2 and normalisation; each level up is
    ReLU, a 4x4 transposed convolution, normalisation and, where the channels no longer grow,
    dropout. Level i up also gets what enters level i down. Neither the first nor the last
    convolution down is normalised, and the output is tanh. Channels double at each level down,
    up to 8 times the width.

    As in the authors' code, whose LeakyReLU works in place, the skips carry what it gives, not
    what it gets, and a convolution has a bias only where the normalisation does not replace it,
    whether it is normalised or not; that of the output has one.

    Departures: any number of levels from 2 up, where the authors have 5 or more. Without
    normalisation all convolutions have biases, which the authors leave out.

    Args:
        shape: [C, H, W] of the pictures it takes. Others may be of any height and width that are
            multiples of 2 to the number of downsamplings.
        out_channels: of the pictures it makes.
        width: channels of the maps of half the pictures' size (the paper takes 64).
        downsamplings: how often they are halved; 8 brings 256 pixels to one, as in the paper.
        negative_slope: slope of LeakyReLU below zero (the paper takes 0.2).
        dropout: share of the entries that dropout leaves out in training, in [0, 1); it is the
            paper's only noise.
        normalization: of all levels but the ends, and of the weights of all layers.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        out_channels: int,
        width: int = FROM_CONFIG,
        downsamplings: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        dropout: float = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(out_channels=out_channels, width=width)
        check_whole(2, downsamplings=downsamplings)
        check_not_negative(negative_slope=negative_slope)
        check_image_shape(self, shape)
        self.channels, self.downsamplings = shape[0], downsamplings
        self.negative_slope = negative_slope
        self.check_size(*shape[1:])
        widths = [width * min(2**level, WIDEST) for level in range(downsamplings)]
        bias = not normalization.replaces_bias
        self.down = _down(shape[0], widths, normalization, bias=bias)
        self.up = _up(out_channels, widths, normalization, dropout, bias=bias)
        initialization(self)
        normalization.attach(self, tuple(shape))

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures [B, C, H, W] to others [B, out_channels, H, W] in [-1, 1].

        Raises:
            InputError: if they have other channels, or a size that cannot be halved so often.
        """
        check_images(self, images, self.channels)
        self.check_size(*images.shape[2:])
        features, skips = self.down[0](images), []
        for down in self.down[1:]:
            skips.append(functional.leaky_relu(features, self.negative_slope))
            features = down(skips[-1])
        for up in reversed(self.up[1:]):
            features = torch.cat([skips.pop(), up(functional.relu(features))], dim=1)
        return torch.tanh(self.up[0](functional.relu(features)))

    def check_size(self, height: int, width: int) -> None:
        """Refuse pictures that cannot be halved as often as the network does.

        Raises:
            InputError: saying which sizes and numbers of downsamplings would do.
        """
        unit = 2**self.downsamplings
        if height % unit or width % unit:
            fitting = [n for n in range(2, self.downsamplings) if not (height | width) % 2**n]
            fewer = f", or network.generator.downsamplings={fitting[-1]}" if fitting else ""
            raise InputError(
                f"{type(self).__name__} with {self.downsamplings} downsamplings works on images "
                f"whose height and width are multiples of {unit}, not {height}x{width}: set "
                f"dataset.image_size={max(1, round(height / unit)) * unit}{fewer}"
            )


def _down(
    channels: int, widths: Sequence[int], normalization: Normalization, *, bias: bool
) -> nn.ModuleList:
    """The convolutions down, from the finest, each with its normalisation."""
    levels = nn.ModuleList()
    for level, (before, after) in enumerate(pairwise([channels, *widths])):
        convolution = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=bias)
        is_end = level in (0, len(widths) - 1)
        norm = nn.Identity() if is_end else normalization.activations(after, 2)
        levels.append(nn.Sequential(normalization.weighted(convolution), norm))
    return levels


def _up(
    channels: int,
    widths: Sequence[int],
    normalization: Normalization,
    dropout: float,
    *,
    bias: bool,
) -> nn.ModuleList:
    """The convolutions up, the finest first, each but that with normalisation and dropout."""
    output = nn.ConvTranspose2d(2 * widths[0], channels, 4, stride=2, padding=1)
    levels = nn.ModuleList([normalization.weighted(output)])
    for level, (after, before) in enumerate(pairwise(widths), start=1):
        is_innermost = level == len(widths) - 1
        joined = before if is_innermost else 2 * before
        convolution = nn.ConvTranspose2d(joined, after, 4, stride=2, padding=1, bias=bias)
        layers = [normalization.weighted(convolution), normalization.activations(after, 2)]
        noise = dropout_layers(dropout)
        if before == after and not is_innermost:
            layers += noise
        levels.append(nn.Sequential(*layers))
    return levels
