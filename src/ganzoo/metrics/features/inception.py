"""The Inception network that published FIDs are computed with."""

from pathlib import Path
from types import ModuleType
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

_SIZE = 299


@defaults_from("metrics/features/inception")
class InceptionFeatures(NetworkFeatures):
    """The last pooling layer, 2,048 features, of the Inception of the first FIDs.

    Heusel et al. 2017 (1706.08500) took the network of TensorFlow's file of 2015-12-05. The
    architecture and the converted weights are those of the package torch-fidelity, whose values
    these are with ``LegacyResizing``; with ``CleanResizing`` they are those of clean-fid.

    Args:
        weights: File of the weights. With None it is looked for in torch.hub's cache and, if it
            is not there, downloaded to it.
        resizing: To 299.

    Raises:
        InputError: if torch-fidelity is not installed, resizing is to another size, or there are
            no such weights: the line says where to get them.
    """

    def __init__(
        self, *, weights: str | None = FROM_CONFIG, resizing: Resizing = FROM_CONFIG
    ) -> None:
        package = import_package("torch_fidelity.feature_extractor_inceptionv3", extra="inception")
        if resizing.size != _SIZE:
            raise InputError(f"Inception takes images of size {_SIZE}, not {resizing.size}")
        path = Path(weights) if weights is not None else _cached(package.URL_INCEPTION_V3)
        network = _build(package, path)
        *layers, classifier = network.children()
        super().__init__(
            name="inception",
            trunk=nn.Sequential(*layers, nn.Flatten()),
            dimension=classifier.in_features,
            resizing=resizing,
            mean=[128.0],
            deviation=[128.0],
        )
        self.classifier = classifier

    @torch.no_grad()
    def classify(self, features: Tensor) -> Tensor:
        """Compute the logits ``[B, 1008]`` without the bias, as for Inception Scores."""
        weight = self.classifier.weight
        return nn.functional.linear(features.to(weight.device), weight).to(features.device)


def _build(package: ModuleType, path: Path) -> Any:
    """Build the network, whose constructor loads any file that it is given without a check."""
    read_weights(path)
    with own_random_state(), weights_that_fit(path):
        return package.FeatureExtractorInceptionV3(
            "inception", ["2048"], feature_extractor_weights_path=str(path)
        )


def _cached(url: str) -> Path:
    """Find the file in torch.hub's cache, or download it there."""
    name = url.rpartition("/")[2]
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    checksum = path.stem.rpartition("-")[2]
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=checksum)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"the weights of the features inception could not be downloaded ({error}): "
            f"get {url} where there is a network, and set metrics.features.inception.weights=PATH"
        ) from None
    return path
