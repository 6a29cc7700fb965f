"""Each transform can be differentiated twice, as penalties of gradients and their steps ask."""

import pytest
import torch

from ganzoo.augment import (
    AugmentationPipe,
    ColorJitter,
    Cutout,
    HorizontalFlip,
    ImageFilter,
    RandomApply,
    RandomColor,
    RandomCutout,
    RandomGeometry,
    RandomNoise,
    Shift,
    Translation,
)
from tests.augment.test_random_color import NAMES as COLOR
from tests.augment.test_random_color import color
from tests.augment.test_random_geometry import NAMES as GEOMETRY
from tests.augment.test_random_geometry import geometry

PARTS = {
    **{name: (geometry(**{name: 1.0}), "geometry") for name in GEOMETRY},
    **{name: (color(**{name: 1.0}), "color") for name in COLOR},
    "image_filter": (ImageFilter(multiplier=1.0), "image_filter"),
    "noise": (RandomNoise(multiplier=1.0), "noise"),
    "cutout": (RandomCutout(multiplier=1.0), "cutout"),
}
NOTHING = {
    "geometry": geometry(),
    "color": color(),
    "image_filter": ImageFilter(multiplier=0.0),
    "noise": RandomNoise(multiplier=0.0),
    "cutout": RandomCutout(multiplier=0.0),
}
PIPES = {
    name: AugmentationPipe(probability=0.8, **NOTHING | {place: part})
    for name, (part, place) in PARTS.items()
}
WHOLE = AugmentationPipe(
    probability=0.8,
    geometry=RandomGeometry(),
    color=RandomColor(),
    **{name: PARTS[name][0] for name in ("image_filter", "noise", "cutout")},
)
OTHERS = {
    "color_jitter": ColorJitter(),
    "translation": Translation(),
    "cut": Cutout(),
    "flip": HorizontalFlip(),
    "shift": Shift(),
    "some": RandomApply(augmentation=ColorJitter(), probability=0.5),
}


def check(augmentation, *shape):
    torch.manual_seed(0)
    images = torch.randn(2, *shape, dtype=torch.float64, requires_grad=True)

    def changed(data):
        torch.manual_seed(3)
        return augmentation(data)

    assert torch.autograd.gradcheck(changed, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda data: changed(data).pow(3), images, fast_mode=True)


@pytest.mark.parametrize("augmentation", (PIPES | OTHERS).values(), ids=PIPES | OTHERS)
def test_each_alone(augmentation):
    check(augmentation, 3, 4, 5)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_all_of_the_pipe_with_any_channels(channels):
    check(WHOLE, channels, 5, 4)
