"""Parts that several networks are built from."""

from torch import Tensor, nn

from ganzoo.errors import InputError, check_whole
from ganzoo.networks.batch_statistics import BatchStatistics
from ganzoo.networks.normalization import Normalization


def chain(*layers: nn.Module) -> nn.Sequential:
    """Chain layers, leaving out those that do nothing."""
    return nn.Sequential(*(layer for layer in layers if not isinstance(layer, nn.Identity)))


def last_layers(
    features: int,
    outputs: int | None,
    batch_statistics: BatchStatistics,
    normalization: Normalization,
) -> tuple[nn.Module, nn.Module]:
    """Return what ends a discriminator: batch statistics, then the linear layer of its outputs.

    Args:
        features: F, of the hidden features [B, F].
        outputs: K, of the outputs [B, K]; None where a data set has no classes to count.
        batch_statistics: makes the first of the two.
        normalization: of the second's weight.

    Raises:
        InputError: if outputs is None, or not whole and positive.
    """
    if outputs is None:
        raise InputError(
            "an output for each class needs a data set with classes, and this one has none: "
            "choose a labelled data set, or another model"
        )
    check_whole(outputs=outputs)
    statistics, width = batch_statistics.layer(features)
    return statistics, normalization.weighted(nn.Linear(width, outputs))


def dropout_layers(dropout: float) -> list[nn.Module]:
    """Return a layer of dropout, or none where its share is 0.

    Raises:
        InputError: if the share is not at least 0 and below 1.
    """
    if not 0 <= dropout < 1:
        raise InputError(f"dropout must be at least 0 and below 1, not {dropout}")
    return [nn.Dropout(dropout)] if dropout else []


class ResidualBlock(nn.Module):
    """The sum of a residual branch and a skip, both applied to the same untouched input.

    He et al. (2016), equation 1 (arXiv 1603.05027). The branch must not work in place: a ReLU that
    did would rectify the skip as well.
    """

    def __init__(self, *, residual: nn.Module, skip: nn.Module) -> None:
        super().__init__()
        self.residual = residual
        self.skip = skip

    def forward(self, features: Tensor) -> Tensor:
        """Map features [B, C, H, W] to features of the block's output shape."""
        output: Tensor = self.residual(features) + self.skip(features)
        return output


def generator_block(width_in: int, width_out: int, normalization: Normalization) -> ResidualBlock:
    """Return a block that doubles height and width.

    The skip's 1x1 convolution comes before its nearest upsampling. The two commute, so this is the
    papers' function at a quarter of the cost.
    """
    bias = not normalization.replaces_bias
    return ResidualBlock(
        residual=chain(
            normalization.activations(width_in, 2),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            convolution(width_in, width_out, 3, normalization, bias=bias),
            normalization.activations(width_out, 2),
            nn.ReLU(),
            convolution(width_out, width_out, 3, normalization),
        ),
        skip=chain(convolution(width_in, width_out, 1, normalization), nn.Upsample(scale_factor=2)),
    )


def discriminator_block(
    width_in: int, width_out: int, normalization: Normalization, *, pool: nn.Module
) -> ResidualBlock:
    """Return a block that ends in a pool (AvgPool2d(2) halves the size, Identity keeps it).

    The skip pools before its 1x1 convolution, which commutes with the mean, at a quarter of the
    cost. It is the identity where neither width nor size change.
    """
    bias = not normalization.replaces_bias
    keeps = isinstance(pool, nn.Identity) and width_in == width_out
    skip = chain(pool, convolution(width_in, width_out, 1, normalization))
    return ResidualBlock(
        residual=chain(
            normalization.activations(width_in, 2),
            nn.ReLU(),
            convolution(width_in, width_in, 3, normalization, bias=bias),
            normalization.activations(width_in, 2),
            nn.ReLU(),
            convolution(width_in, width_out, 3, normalization),
            pool,
        ),
        skip=nn.Identity() if keeps else skip,
    )


def image_block(channels: int, width: int, normalization: Normalization) -> ResidualBlock:
    """Return the first block of a discriminator ("optimized" in the authors' code).

    It takes images, so it starts with a convolution rather than with ReLU, and it normalises no
    activations; it halves height and width.
    """
    return ResidualBlock(
        residual=chain(
            convolution(channels, width, 3, normalization),
            nn.ReLU(),
            convolution(width, width, 3, normalization),
            nn.AvgPool2d(2),
        ),
        skip=chain(nn.AvgPool2d(2), convolution(channels, width, 1, normalization)),
    )


def convolution(
    channels_in: int,
    channels_out: int,
    kernel: int,
    normalization: Normalization,
    *,
    bias: bool = True,
) -> nn.Module:
    """Return a convolution that keeps height and width."""
    return normalization.weighted(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=bias)
    )
