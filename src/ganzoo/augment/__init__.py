"""Differentiable changes of what the discriminator sees."""

from ganzoo.augment.base import Augmentation, ByShape, Chain
from ganzoo.augment.geometry import HorizontalFlip, Shift
from ganzoo.augment.image_pool import ImagePool
from ganzoo.augment.noise import GaussianNoise, InputDropout, InstanceNoise
from ganzoo.augment.replay import ReplayBuffer

__all__ = [
    "Augmentation",
    "ByShape",
    "Chain",
    "GaussianNoise",
    "HorizontalFlip",
    "ImagePool",
    "InputDropout",
    "InstanceNoise",
    "ReplayBuffer",
    "Shift",
]
