"""What every feature extractor has in common."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import Self

from ganzoo.errors import InputError
from ganzoo.metrics.images import to_image_range
from ganzoo.precision import at_least_float32


class FeatureExtractor(nn.Module, ABC):
    """A fixed function from samples to rows of F features.

    It is always in evaluation mode, is not trained and computes in float32 whatever the precision
    of the training around it. Its features have no graph, its maps do. Subclasses implement
    ``features``, and ``feature_maps`` where they have more than pixels.

    Attributes:
        name: What tables and files call the features.
        raw: Whether the features of an image are its pixels, which values are to tell.
    """

    name: str
    raw: ClassVar[bool] = False

    def forward(self, images: Tensor) -> Tensor:
        """Compute the features.

        Args:
            images: ``[B, C, H, W]``, floating point in [-1, 1] or uint8 (or points ``[B, D]``
                where the extractor says so).

        Returns:
            float32 ``[B, F]``.

        Raises:
            InputError: if the images are of another type or range, or the extractor cannot take
                samples of this shape.
        """
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return self.features(to_image_range(images)).float()

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Compute what ``forward`` returns, of images that are in floating point in [-1, 1]."""

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute features at several depths, with gradients by the images.

        Images are not rounded to 8 bits, and may lie outside of [-1, 1]; where resizing clamps
        them they have no gradient there.

        Args:
            images: ``[B, C, H, W]``, floating point in [-1, 1].

        Returns:
            ``[B, C', h, w]`` each, from the finest map to the coarsest, or a single ``[B, F]``
            where the network has no maps; float32 or better.

        Raises:
            InputError: if the features are the pixels, or of samples of another shape.
        """
        with torch.autocast(images.device.type, enabled=False):
            return tuple(self.feature_maps(at_least_float32(images)))

    def feature_maps(self, images: Tensor) -> Sequence[Tensor]:
        """Compute what ``maps`` returns, of images in float32 or better."""
        raise InputError(
            f"the features {self.name} have no feature maps: choose metrics.features=random, "
            "metrics.features=efficientnet_lite0 or metrics.features=classifier"
        )

    def prepare(self) -> None:
        """Do what takes long, such as training; one process does it before the others.

        Raises:
            InputError: if it cannot be done.
        """

    def classify(self, features: Tensor) -> Tensor:
        """Compute class logits ``[B, K]`` from features ``[B, F]``, where there is a classifier.

        The features may be on another device; the logits are on theirs.

        Raises:
            InputError: if there is none.
        """
        raise InputError(
            f"the features {self.name} have no class logits, choose metrics.features=inception, "
            "metrics.features=efficientnet_lite0 or metrics.features=classifier"
        )

    def extract(self, samples: Tensor, *, batch_size: int) -> Tensor:
        """Compute the features ``[N, F]`` of N samples, ``batch_size`` of them at a time."""
        return torch.cat([self(batch) for batch in torch.split(samples, batch_size)])

    def protocol(self) -> dict[str, Any]:
        """Return everything but the weights that decides the features: plain values."""
        return {"features": self.name}

    def fingerprint(self) -> str:
        """Return the sha256, in hexadecimal, of the weights and the protocol."""
        digest = hashlib.sha256(json.dumps(self.protocol(), sort_keys=True).encode())
        for name, values in self.state_dict().items():
            digest.update(f"{name} {values.dtype} {list(values.shape)}".encode())
            digest.update(values.cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode."""
        return super().train(False)
