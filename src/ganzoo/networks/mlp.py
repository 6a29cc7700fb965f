"""Multilayer perceptrons, for points and for small images."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_whole
from ganzoo.networks.batch_statistics import BatchStatistics
from ganzoo.networks.blocks import chain, last_layers
from ganzoo.networks.initialization import Initialization
from ganzoo.networks.normalization import Normalization
from ganzoo.networks.shapes import check_batch, check_shape


@defaults_from("network/mlp")
class MLPGenerator(nn.Module):
    """Fully connected generator, as in Goodfellow et al. 2014 (arXiv 1406.2661).

    Departure: LeakyReLU hidden layers in place of a mixture of ReLU and sigmoid ones.

    Args:
        latent_dim: Z.
        shape: [D] for points (linear output) or [C, H, W] for images (tanh output).
        width: units of each hidden layer.
        depth: hidden layers.
        negative_slope: slope of LeakyReLU below zero; 0 is ReLU.
        normalization: applied to every hidden layer, and its weights to all layers.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is neither points nor images, or a number is out of range.
    """

    def __init__(
        self,
        *,
        latent_dim: int,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        depth: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim, width=width, depth=depth)
        check_not_negative(negative_slope=negative_slope)
        check_shape(self, shape)
        self.latent_dim, self.expected = latent_dim, (latent_dim,)
        layers = _hidden_layer(latent_dim, width, negative_slope, normalization)
        for _ in range(depth - 1):
            layers += _hidden_layer(width, width, negative_slope, normalization)
        output = normalization.weighted(nn.Linear(width, math.prod(shape)))
        head = [nn.Tanh(), nn.Unflatten(1, tuple(shape))] if len(shape) == 3 else []
        self.layers = chain(*layers, output, *head)
        initialization(self)
        normalization.attach(self, (latent_dim,))

    def forward(self, latents: Tensor) -> Tensor:
        """Map latents [B, Z] to points [B, D] or to images [B, C, H, W] in [-1, 1]."""
        if latents.shape[1:] != self.expected:
            check_batch(self, latents, self.expected)
        data: Tensor = self.layers(latents)
        return data


@defaults_from("network/discriminator/mlp", beside="network/mlp")
class MLPDiscriminator(nn.Module):
    """Fully connected discriminator, as in Goodfellow et al. 2014 (arXiv 1406.2661).

    Departure: LeakyReLU in place of maxout with dropout.

    Args:
        shape: [D] for points or [C, H, W] for images, which are flattened.
        width: units of each hidden layer.
        depth: hidden layers.
        negative_slope: slope of LeakyReLU below zero; 0 is ReLU.
        outputs: K.
        batch_statistics: what the last layer is told of the whole batch.
        normalization: applied to every hidden layer but the first (as DCGAN, arXiv 1511.06434,
            advises), and its weights to all layers.
        initialization: called on the whole network.

    Raises:
        InputError: if the shape is neither points nor images, or a number is out of range.
    """

    def __init__(
        self,
        *,
        shape: Sequence[int],
        width: int = FROM_CONFIG,
        depth: int = FROM_CONFIG,
        negative_slope: float = FROM_CONFIG,
        outputs: int = FROM_CONFIG,
        batch_statistics: BatchStatistics = FROM_CONFIG,
        normalization: Normalization = FROM_CONFIG,
        initialization: Initialization = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(width=width, depth=depth)
        check_not_negative(negative_slope=negative_slope)
        check_shape(self, shape)
        self.shape = tuple(shape)
        first = normalization.weighted(nn.Linear(math.prod(shape), width))
        layers = [first, nn.LeakyReLU(negative_slope)]
        for _ in range(depth - 1):
            layers += _hidden_layer(width, width, negative_slope, normalization)
        self.layers = chain(*layers, *last_layers(width, outputs, batch_statistics, normalization))
        initialization(self)
        normalization.attach(self, self.shape)

    def forward(self, data: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] to logits [B], or [B, K] where K is above 1."""
        if data.shape[1:] != self.shape:
            check_batch(self, data, self.shape)
        outputs: Tensor = self.layers(data.flatten(1))
        return outputs.squeeze(1)


def _hidden_layer(
    width_in: int, width: int, negative_slope: float, normalization: Normalization
) -> list[nn.Module]:
    bias = not normalization.replaces_bias
    return [
        normalization.weighted(nn.Linear(width_in, width, bias=bias)),
        normalization.activations(width, 0),
        nn.LeakyReLU(negative_slope),
    ]
