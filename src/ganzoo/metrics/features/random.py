"""Features of a network that nobody trained."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.resizing import quantize, to_color

_CHANNELS = (3, 32, 64)
# The last features: mean of each colour, and contrast.
_PLAIN = 4
# Below one level of 8 bits, contrast is no more than rounding.
_LEVEL = 1 / 127.5


@defaults_from("metrics/features/random")
class RandomFeatures(FeatureExtractor):
    """A small convolutional network with random weights, which depend on the seed only.

    Each picture is standardised: its mean taken away, its deviation made 1. Then come three 3x3
    convolutions of stride 2 with rectifiers and He initialisation (1502.01852), each scaled to a
    mean square of 1 over the picture, and the mean over the picture. The last four features are
    the mean of each colour and the deviation that were taken away. So a picture's structure is
    seen whatever its contrast, and grey noise is far from pictures; by their own scale, pictures
    of little contrast would all lie close together, with noise among them.

    It needs no file and no training, and sees colours, edges and texture, but no objects. Not
    comparable with any other features.

    Args:
        dimension: F.
        seed: Chooses the weights.

    Raises:
        InputError: if dimension is not a whole number from 5 up, and by ``forward`` if samples are
            not images ``[B, 1 or 3, H, W]``.
    """

    name = "random"

    def __init__(self, *, dimension: int = FROM_CONFIG, seed: int = FROM_CONFIG) -> None:
        super().__init__()
        check_whole(_PLAIN + 1, dimension=dimension)
        self.dimension, self.seed = dimension, seed
        generator = torch.Generator().manual_seed(seed)
        sizes = [*_CHANNELS, dimension - _PLAIN]
        layers = [
            nn.Parameter(_filters(inputs, outputs, generator), requires_grad=False)
            for inputs, outputs in pairwise(sizes)
        ]
        self.layers = nn.ParameterList(layers)
        self.eval()

    def features(self, images: Tensor) -> Tensor:
        """Compute ``[B, F]``; any height and width will do."""
        pictures = to_color(quantize(images)).float().div(127.5).sub(1)
        deviation, mean = _deviation_and_mean(pictures)
        hidden = self._hidden((pictures - mean) / (deviation + _LEVEL))[-1]
        means = (part.mean(dim=(2, 3)) for part in (hidden, pictures, deviation))
        return torch.cat(list(means), dim=1)

    def feature_maps(self, images: Tensor) -> Sequence[Tensor]:
        """Compute the three hidden layers; any height and width will do."""
        pictures = to_color(images)
        deviation, mean = _deviation_and_mean(pictures)
        return self._hidden((pictures - mean) / (deviation + _LEVEL))

    def _hidden(self, standardised: Tensor) -> list[Tensor]:
        layers, hidden = [], standardised
        for filters in self.layers:
            hidden = nn.functional.conv2d(hidden, filters, stride=2, padding=1).relu()
            scale = hidden.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
            hidden = hidden / (scale + _LEVEL)
            layers.append(hidden)
        return layers

    def protocol(self) -> dict[str, Any]:
        """Return what decides the features."""
        settings = {"dimension": self.dimension, "seed": self.seed}
        return {**super().protocol(), **settings, "standardised": True}


def _deviation_and_mean(pictures: Tensor) -> tuple[Tensor, Tensor]:
    deviation, mean = torch.std_mean(pictures, dim=(1, 2, 3), correction=0, keepdim=True)
    return deviation, mean


def _filters(inputs: int, outputs: int, generator: torch.Generator) -> Tensor:
    values = torch.randn(outputs, inputs, 3, 3, generator=generator)
    return values * math.sqrt(2 / (9 * inputs))
