"""Features of any classifier of torchvision, by name."""

from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, nearest
from ganzoo.metrics.features.networks import IMAGENET_DEVIATION, IMAGENET_MEAN, NetworkFeatures
from ganzoo.metrics.packages import own_random_state, read_weights, weights_that_fit
from ganzoo.metrics.resizing import Resizing


@defaults_from("metrics/features/torchvision")
class TorchvisionFeatures(NetworkFeatures):
    """What the last linear layer of a classifier of torchvision sees.

    Args:
        model: Its name in torchvision.models, as ``resnet50``.
        weights: File of a state dict of the whole classifier. None downloads torchvision's best
            weights, or takes them from torch.hub's cache.
        resizing: To the size that the model is to be used at.

    Raises:
        InputError: if torchvision has no such classifier, or its weights are not there.
    """

    def __init__(
        self,
        *,
        model: str = FROM_CONFIG,
        weights: str | None = FROM_CONFIG,
        resizing: Resizing = FROM_CONFIG,
    ) -> None:
        names = models.list_models(module=models)
        if model not in names:
            raise InputError(f"torchvision has no classifier {model!r}: {nearest(model, names)}")
        network = _create(model, weights)
        classifier = _cut_last_layer(network)
        super().__init__(
            name=model,
            trunk=network,
            dimension=classifier.in_features,
            resizing=resizing,
            mean=[255 * value for value in IMAGENET_MEAN],
            deviation=[255 * value for value in IMAGENET_DEVIATION],
        )
        self.classifier = classifier.requires_grad_(False)

    @torch.no_grad()
    def classify(self, features: Tensor) -> Tensor:
        """Compute the logits ``[B, K]`` of the classifier's K classes."""
        classified: Tensor = self.classifier(features.to(self.mean.device))
        return classified.to(features.device)


def _create(model: str, weights: str | None) -> nn.Module:
    with own_random_state():
        if weights is None:
            return _pretrained(model)
        network: nn.Module = models.get_model(model, weights=None)
        with weights_that_fit(weights):
            network.load_state_dict(read_weights(weights))
    return network


def _pretrained(model: str) -> nn.Module:
    try:
        network: nn.Module = models.get_model(model, weights="DEFAULT")
    except (OSError, RuntimeError) as error:
        url: Any = models.get_model_weights(model)["DEFAULT"].url
        raise InputError(
            f"the weights of {model} could not be downloaded ({error}): "
            f"get {url} where there is a network, and set metrics.features.torchvision.weights=PATH"
        ) from None
    return network


def _cut_last_layer(network: nn.Module) -> nn.Linear:
    """Replace the last linear layer by nothing and return it."""
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise InputError(f"{type(network).__name__} has no linear classifier to leave out")
    parent, _, name = linear[-1].rpartition(".")
    owner = network.get_submodule(parent)
    layer = network.get_submodule(linear[-1])
    setattr(owner, name, nn.Identity())
    assert isinstance(layer, nn.Linear)
    return layer
