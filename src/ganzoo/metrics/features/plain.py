"""Features that are the samples themselves."""

from torch import Tensor

from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.resizing import quantize


class IdentityFeatures(FeatureExtractor):
    """The values of a sample as they are, in a row: for points, mostly."""

    name = "identity"
    raw = True

    def features(self, images: Tensor) -> Tensor:
        """Flatten ``[B, ...]``."""
        return images.flatten(start_dim=1)


class PixelFeatures(FeatureExtractor):
    """The levels of an image's pixels, rounded to 8 bits as in a picture file, in [-1, 1]."""

    name = "pixels"
    raw = True

    def features(self, images: Tensor) -> Tensor:
        """Quantize and flatten ``[B, C, H, W]``."""
        return quantize(images).float().div(127.5).sub(1).flatten(start_dim=1)
