"""What is measured of an image: one extractor for each choice of features.

All are :class:`~ganzoo.metrics.features.base.FeatureExtractor` modules that take images in
[-1, 1] and return ``[B, F]``. Those of networks that somebody else trained need a package of
their own, which is imported only when they are built.
"""

from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.features.classifier import ClassifierFeatures
from ganzoo.metrics.features.efficientnet import EfficientNetFeatures
from ganzoo.metrics.features.inception import InceptionFeatures
from ganzoo.metrics.features.plain import IdentityFeatures, PixelFeatures
from ganzoo.metrics.features.random import RandomFeatures
from ganzoo.metrics.features.timm import TimmFeatures
from ganzoo.metrics.features.torchvision import TorchvisionFeatures

__all__ = [
    "ClassifierFeatures",
    "EfficientNetFeatures",
    "FeatureExtractor",
    "IdentityFeatures",
    "InceptionFeatures",
    "PixelFeatures",
    "RandomFeatures",
    "TimmFeatures",
    "TorchvisionFeatures",
]
