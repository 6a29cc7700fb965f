"""The residual networks of WGAN-GP and SNGAN.

Gulrajani et al. 2017 (arXiv 1704.00028) and Miyato et al. 2018 (arXiv 1802.05957) use the same
blocks. Widths at 32 and 128 pixels are those of the latter's tables for CIFAR-10 and ImageNet;
those at 64 are from the same authors' code for projection discriminators (arXiv 1802.05637).
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.networks.batch_statistics import BatchStatistics
from ganzoo.networks.blocks import (
    chain,
    convolution,
    discriminator_block,
    generator_block,
    image_block,
    last_layers,
)
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.shapes import Levels, check_batch, image_levels

# Channels of the generator's maps in quarters of its width, from the smallest up to the image's
# size, by how often the size is halved: 3 times at 32 pixels, 4 at 64, 5 at 128.
GENERATOR_QUARTERS = {
    3: (4, 4, 4, 4),
    4: (16, 8, 4, 2, 1),
    5: (16, 16, 8, 4, 2, 1),
}
# Channels after each block of the discriminator in halves of its width.
DISCRIMINATOR_HALVES = {
    3: (2, 2, 2, 2),
    4: (1, 2, 4, 8, 16),
    5: (1, 2, 4, 8, 16, 16),
}
# How many of these blocks halve the size; the others keep it.
HALVINGS = {3: 2, 4: 5, 5: 5}


@defaults_from("network/resnet")
class ResNetGenerator(nn.Module):
    """Projection to small maps, residual blocks that double the size, 3x3 convolution and tanh.

    Images of 32, 64 and 128 pixels start from 4x4 maps, as in the papers, others from maps that
    are 2 to 32 pixels high and wide (:func:`~ganzoo.networks.shapes.levels_of`), 48x64 from 3x4,
    with the channels of the papers' size that is doubled as often.

    One width gives the papers' channels at each size: 256 makes 256 throughout at 32 pixels, 1024
    down to 64 at 64 and 128 (SNGAN); 128 is WGAN-GP at 32.

    Departures: none in the function computed; the skip's convolution and upsampling are exchanged
    (see `generator_block`), and biases that a normalisation would cancel are left out.

    Args:
        latent_dim: Z.
        shape: [C, H, W], H and W multiples of 8 from 16 up that have such maps.
        width: channels at 32 pixels, a multiple of 4 at larger sizes.
        normalization: applied before each ReLU, and its weights to all layers.
        initialization: called on the whole network (the papers: XavierUniform of gain 1).
        residual_initialization: called on the residual branches afterwards (gain sqrt(2)).

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
        residual_initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim, width=width)
        levels = _levels(self, shape)
        self.latent_dim = latent_dim
        widths = _widths(width, GENERATOR_QUARTERS[levels.halvings], 4)
        projection = nn.Linear(latent_dim, widths[0] * math.prod(levels.base))
        blocks = [generator_block(*pair, normalization) for pair in pairwise(widths)]
        self.layers = chain(
            normalization.weighted(projection),
            nn.Unflatten(1, (widths[0], *levels.base)),
            *blocks,
            normalization.activations(widths[-1], 2),
            nn.ReLU(),
            convolution(widths[-1], shape[0], 3, normalization),
            nn.Tanh(),
        )
        initialization(self)
        for block in blocks:
            residual_initialization(block.residual)
        normalization.attach(self, (latent_dim,))

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents [B, Z] to images [B, C, H, W] in [-1, 1]."""
        check_batch(self, latents, (self.latent_dim,))
        images: Tensor = self.layers(latents)
        return images


@defaults_from("network/discriminator/resnet", beside="network/resnet")
class ResNetDiscriminator(nn.Module):
    """Residual blocks that halve the size, ReLU, sum over the pixels, one linear layer.

    One width gives SNGAN's channels at each size: 128 makes 128 throughout at 32 pixels, 64 up to
    1024 at 64 and 128.

    Departures: WGAN-GP averages over the pixels where SNGAN and this sum; SNGAN's code for 32
    pixels has no bias in the last layer; the skip's pool and convolution are exchanged (see
    `discriminator_block`), which does not change the function.

    Args:
        shape: [C, H, W], as the generator's.
        width: channels at 32 pixels, a multiple of 2 at larger sizes.
        outputs: K.
        batch_statistics: what the last layer is told of the whole batch.
        normalization: applied before each ReLU inside the blocks but the first, and its weights
            to all layers. WGAN-GP's critic takes none or layer, SNGAN's spectral.
        initialization: called on the whole network (the papers: XavierUniform of gain 1).
        residual_initialization: called on the residual branches afterwards (gain sqrt(2)).

    Raises:
        InputError: if the shape is not such an image, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        outputs: int = FROM_CONFIG,
        batch_statistics: BatchStatistics = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
        residual_initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(width=width)
        levels = _levels(self, shape)
        self.shape = tuple(shape)
        widths, halvings = (
            _widths(width, DISCRIMINATOR_HALVES[levels.halvings], 2),
            _halvings(levels),
        )
        blocks = [image_block(shape[0], widths[0], normalization)]
        for level, pair in enumerate(pairwise(widths), start=1):
            pool = nn.AvgPool2d(2) if level < halvings else nn.Identity()
            blocks.append(discriminator_block(*pair, normalization, pool=pool))
        self.blocks = chain(*blocks, nn.ReLU())
        self.statistics, self.output = last_layers(
            widths[-1], outputs, batch_statistics, normalization
        )
        initialization(self)
        for block in blocks:
            residual_initialization(block.residual)
        normalization.attach(self, self.shape)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [B, C, H, W] to logits [B], or [B, K] where K is above 1."""
        check_batch(self, images, self.shape)
        features = self.blocks(images).sum(dim=(2, 3))
        outputs: Tensor = self.output(self.statistics(features))
        return outputs.squeeze(1)


def _levels(owner: nn.Module, shape: Sequence[int]) -> Levels:
    counts = sorted(GENERATOR_QUARTERS)
    return image_levels(owner, shape, least=counts[0], most=counts[-1])


def _halvings(levels: Levels) -> int:
    """How many blocks halve the size: what would have to halve an odd side keeps it instead."""
    odd = any(side % 2 for side in levels.base)
    return min(HALVINGS[levels.halvings], levels.halvings) if odd else HALVINGS[levels.halvings]


def _widths(width: int, shares: Sequence[int], parts: int) -> list[int]:
    if any(width * share % parts for share in shares):
        raise InputError(f"width must be a multiple of {parts} at this image size, not {width}")
    return [width * share // parts for share in shares]
