"""What extractors that are trained networks on images have in common."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.features.maps import last_maps
from ganzoo.metrics.resizing import Resizing, quantize, to_color, to_levels

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class NetworkFeatures(FeatureExtractor):
    """A trained network: quantize to 8 bits, repeat grey, resize, normalize, apply.

    Args:
        name: What tables call the features.
        trunk: From normalized images ``[B, 3, S, S]`` to ``[B, F]``.
        dimension: F.
        resizing: Brings 8-bit images to S.
        mean: Of each channel, subtracted from levels in [0, 255]; one number stands for three.
        deviation: Of each channel, what the difference is divided by.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        *,
        name: str,
        trunk: nn.Module,
        dimension: int,
        resizing: Resizing,
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        super().__init__()
        self.name, self.dimension, self.resizing = name, dimension, resizing
        self.trunk = trunk
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1))
        self.requires_grad_(False)
        self.eval()

    def features(self, images: Tensor) -> Tensor:
        """Compute ``[B, F]`` of images ``[B, 1 or 3, H, W]``."""
        features: Tensor = self.trunk(self.preprocess(images))
        if features.ndim != 2 or features.shape[1] != self.dimension:
            raise InputError(
                f"the features {self.name} must be [B, {self.dimension}], "
                f"not {list(features.shape)}: choose a model that pools its output"
            )
        return features

    def feature_maps(self, images: Tensor) -> Sequence[Tensor]:
        """Compute the last map of each size, or the features of a network that has one or none."""
        maps, features = last_maps(self.trunk, self._normalized(to_levels(images)))
        return maps if len(maps) > 1 else [features]

    def preprocess(self, images: Tensor) -> Tensor:
        """Turn images in [-1, 1] into the network's own input ``[B, 3, S, S]``."""
        return self._normalized(quantize(images))

    def _normalized(self, levels: Tensor) -> Tensor:
        resized: Tensor = self.resizing(to_color(levels))
        return (resized - self.mean) / self.deviation

    def protocol(self) -> dict[str, Any]:
        """Return what decides the features besides the weights."""
        return {
            **super().protocol(),
            "dimension": self.dimension,
            "quantization": "8 bits, to nearest, halves upwards",
            "resizing": self.resizing.protocol,
            "size": self.resizing.size,
        }
