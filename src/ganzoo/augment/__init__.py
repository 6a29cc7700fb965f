"""Differentiable changes of what the discriminator sees."""

from ganzoo.augment.base import Augmentation, ByShape, Chain
from ganzoo.augment.corruptions import RandomCutout, RandomNoise
from ganzoo.augment.diff_augment import ColorJitter, Cutout, DiffAugment, Translation
from ganzoo.augment.geometry import HorizontalFlip, Shift
from ganzoo.augment.image_filter import ImageFilter
from ganzoo.augment.image_pool import ImagePool
from ganzoo.augment.noise import GaussianNoise, InputDropout, InstanceNoise
from ganzoo.augment.pipe import AugmentationPipe
from ganzoo.augment.probability import AdaptiveProbability, Probability
from ganzoo.augment.pseudo import PseudoAugmentation
from ganzoo.augment.random_apply import RandomApply
from ganzoo.augment.random_color import RandomColor
from ganzoo.augment.random_geometry import RandomGeometry
from ganzoo.augment.replay import ReplayBuffer
from ganzoo.augment.transform import Transform

__all__ = [
    "AdaptiveProbability",
    "Augmentation",
    "AugmentationPipe",
    "ByShape",
    "Chain",
    "ColorJitter",
    "Cutout",
    "DiffAugment",
    "GaussianNoise",
    "HorizontalFlip",
    "ImageFilter",
    "ImagePool",
    "InputDropout",
    "InstanceNoise",
    "Probability",
    "PseudoAugmentation",
    "RandomApply",
    "RandomColor",
    "RandomCutout",
    "RandomGeometry",
    "RandomNoise",
    "ReplayBuffer",
    "Shift",
    "Transform",
    "Translation",
]
