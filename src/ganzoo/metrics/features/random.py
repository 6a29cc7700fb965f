"""Features of a network that nobody trained."""

import math
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.resizing import quantize, to_color

_CHANNELS = (3, 32, 64)


@defaults_from("features/random")
class RandomFeatures(FeatureExtractor):
    """A small convolutional network with random weights, which depend on the seed only.

    Three 3x3 convolutions of stride 2 with rectifiers and He initialisation (1502.01852), then
    the mean over the picture. Made for tests and quick looks: it needs no file, and it sees
    colours, edges and coarse texture, but no objects. Not comparable with any other features.

    Args:
        dimension: F.
        seed: Chooses the weights.

    Raises:
        InputError: if dimension is not a positive whole number, and by ``forward`` if samples are
            not images ``[B, 1 or 3, H, W]``.
    """

    name = "random"

    def __init__(self, *, dimension: int = FROM_CONFIG, seed: int = FROM_CONFIG) -> None:
        super().__init__()
        check_whole(dimension=dimension)
        self.dimension, self.seed = dimension, seed
        generator = torch.Generator().manual_seed(seed)
        sizes = [*_CHANNELS, dimension]
        layers = [
            nn.Parameter(_filters(inputs, outputs, generator), requires_grad=False)
            for inputs, outputs in pairwise(sizes)
        ]
        self.layers = nn.ParameterList(layers)
        self.eval()

    def features(self, images: Tensor) -> Tensor:
        """Compute ``[B, F]``; any height and width will do."""
        hidden = to_color(quantize(images)).float().div(127.5).sub(1)
        for filters in self.layers:
            hidden = nn.functional.conv2d(hidden, filters, stride=2, padding=1).relu()
        return hidden.mean(dim=(2, 3))

    def protocol(self) -> dict[str, Any]:
        """Return what decides the features."""
        return {**super().protocol(), "dimension": self.dimension, "seed": self.seed}


def _filters(inputs: int, outputs: int, generator: torch.Generator) -> Tensor:
    values = torch.randn(outputs, inputs, 3, 3, generator=generator)
    return values * math.sqrt(2 / (9 * inputs))
