"""The networks of pix2pix and CycleGAN as runs compose them."""

import pytest
import torch

from ganzoo.composition.compose import build, compose_config
from ganzoo.networks.normalization import BatchNorm, InstanceNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator, PixelDiscriminator
from ganzoo.networks.resnet_translation import ResNetTranslationGenerator
from ganzoo.networks.unet import UNetGenerator

KINDS = {
    "unet": (UNetGenerator, PatchGANDiscriminator, BatchNorm),
    "unet_pixelgan": (UNetGenerator, PixelDiscriminator, BatchNorm),
    "resnet_translation": (ResNetTranslationGenerator, PatchGANDiscriminator, InstanceNorm),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_model_says_which_pictures_they_take(name):
    words = [f"network={name}", "model=gan", "dataset=unpaired_folders", "dataset.channels_a=1"]
    config = compose_config(words)
    generator, discriminator, normalization = KINDS[name]
    networks = build(config.network)
    assert isinstance(build(config.generator_normalization), normalization)
    assert isinstance(build(config.discriminator_normalization), normalization)
    with torch.device("meta"):
        a, b = config.dataset.shape_a, config.dataset.shape_b
        there = networks["generator"](shape=a, out_channels=b[0])
        back = networks["generator"](shape=b, out_channels=a[0])
        judge = networks["discriminator"](shape=[a[0] + b[0], *a[1:]])
        assert isinstance(there, generator) and isinstance(judge, discriminator)
        images = there(torch.rand(1, *a))
        assert images.shape == (1, 3, 256, 256)
        assert back(images).shape == (1, 1, 256, 256)
        joint = torch.cat([torch.rand(1, *a), images], dim=1)
        assert judge(joint).shape[2:] == ((256, 256) if "pixel" in name else (30, 30))


def test_small_pictures_by_settings():
    words = ["network=unet", "model=gan", "dataset=digits_edges", "network.generator.width=8"]
    small = ["network.generator.downsamplings=3", "network.discriminator.downsamplings=1"]
    networks = build(compose_config([*words, *small]).network)
    images = networks["generator"](shape=[1, 8, 8], out_channels=1)(torch.rand(2, 1, 8, 8))
    assert images.shape == (2, 1, 8, 8)
    assert networks["discriminator"](shape=[1, 8, 8])(images).shape == (2, 1, 2, 2)
