"""The convolutional networks of DCGAN (Radford et al. 2015, arXiv 1511.06434)."""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_whole
from ganzoo.networks.batch_statistics import BatchStatistics
from ganzoo.networks.blocks import chain, last_layers
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.shapes import Levels, check_batch, image_levels

# The widest maps have this many times the channels of the finest, as in the paper at 64 pixels.
WIDEST = 8
# One level between images of 8 pixels and 4x4 maps would leave too shallow a network.
LEAST_LEVELS, MOST_LEVELS = 2, 16


@defaults_from("network/dcgan")
class DCGANGenerator(nn.Module):
    """Projection to small maps, then transposed convolutions that double the size (figure 1).

    Images of 16, 32, 64 pixels and so on start from 4x4 maps, as in the paper, and others from maps
    that are 2 to 32 pixels high and wide (:func:`~ganzoo.networks.shapes.levels_of`): 8 pixels
    from 2x2, 28 from 7x7, 48x64 from 3x4.

    ReLU and normalisation on all levels but the output, which is tanh. Channels double from the
    finest level towards the coarsest, up to 8 times the width.

    Departures: 4x4 kernels in place of 5x5, so that each output sums as many inputs as any other;
    sizes other than 64 by as many levels as they need, at least two.

    Args:
        latent_dim: Z.
        shape: [C, H, W], H and W multiples of 4 from 8 up that have such maps.
        width: channels of the maps of half the images' size (the paper takes 128).
        normalization: applied to every level but the output, and its weights to all layers.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim, width=width)
        levels = image_levels(self, shape, least=LEAST_LEVELS, most=MOST_LEVELS)
        self.latent_dim = latent_dim
        bias = not normalization.replaces_bias
        widths = level_widths(levels, width)[::-1]
        projection = nn.Linear(latent_dim, widths[0] * math.prod(levels.base), bias=bias)
        layers: list[nn.Module] = [
            normalization.weighted(projection),
            nn.Unflatten(1, (widths[0], *levels.base)),
        ]
        for width_in, width_out in pairwise(widths):
            layers += [
                normalization.activations(width_in, 2),
                nn.ReLU(),
                normalization.weighted(
                    nn.ConvTranspose2d(width_in, width_out, 4, stride=2, padding=1, bias=bias)
                ),
            ]
        output = nn.ConvTranspose2d(widths[-1], shape[0], 4, stride=2, padding=1)
        self.layers = chain(
            *layers,
            normalization.activations(widths[-1], 2),
            nn.ReLU(),
            normalization.weighted(output),
            nn.Tanh(),
        )
        initialization(self)
        normalization.attach(self, (latent_dim,))

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents [B, Z] to images [B, C, H, W] in [-1, 1]."""
        check_batch(self, latents, (self.latent_dim,))
        images: Tensor = self.layers(latents)
        return images


@defaults_from("network/discriminator/dcgan", beside="network/dcgan")
class DCGANDiscriminator(nn.Module):
    """Convolutions that halve the size down to the generator's first maps, then a linear layer.

    LeakyReLU on all levels; normalisation on all but the first. Channels double from the finest
    level towards the coarsest, up to 8 times the width.

    Departures: 4x4 kernels in place of 5x5; sizes other than 64 by as many levels as they need.

    Args:
        shape: [C, H, W], as the generator's.
        width: channels of the maps of half the images' size (the authors' code takes 64).
        negative_slope: slope of LeakyReLU below zero (the paper takes 0.2).
        outputs: K.
        batch_statistics: what the last layer is told of the whole batch.
        normalization: applied to every level but the first, and its weights to all layers.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        outputs: int = FROM_CONFIG,
        batch_statistics: BatchStatistics = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(width=width)
        check_not_negative(negative_slope=negative_slope)
        levels = image_levels(self, shape, least=LEAST_LEVELS, most=MOST_LEVELS)
        self.shape = tuple(shape)
        bias = not normalization.replaces_bias
        widths = level_widths(levels, width)
        layers: list[nn.Module] = [
            normalization.weighted(nn.Conv2d(shape[0], width, 4, stride=2, padding=1)),
            nn.LeakyReLU(negative_slope),
        ]
        for width_in, width_out in pairwise(widths):
            layers += [
                normalization.weighted(
                    nn.Conv2d(width_in, width_out, 4, stride=2, padding=1, bias=bias)
                ),
                normalization.activations(width_out, 2),
                nn.LeakyReLU(negative_slope),
            ]
        features = widths[-1] * math.prod(levels.base)
        last = last_layers(features, outputs, batch_statistics, normalization)
        self.layers = chain(*layers, nn.Flatten(), *last)
        initialization(self)
        normalization.attach(self, self.shape)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [B, C, H, W] to logits [B], or [B, K] where K is above 1."""
        check_batch(self, images, self.shape)
        outputs: Tensor = self.layers(images)
        return outputs.squeeze(1)


def level_widths(levels: Levels, width: int) -> list[int]:
    """Return the channels at each level, from maps of half the size down to the smallest."""
    return [width * min(2**level, WIDEST) for level in range(levels.halvings)]
