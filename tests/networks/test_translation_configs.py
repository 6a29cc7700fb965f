"""The networks of pix2pix and CycleGAN as models build them."""

import pytest
import torch

from ganzoo import create_model
from ganzoo.networks.patchgan import PatchGANDiscriminator, PixelDiscriminator
from ganzoo.networks.resnet_translation import ResNetTranslationGenerator
from ganzoo.networks.unet import UNetGenerator


@pytest.mark.parametrize(
    ("choice", "discriminator", "logits"),
    [("unet", PatchGANDiscriminator, (30, 30)), ("pixelgan", PixelDiscriminator, (256, 256))],
)
def test_pix2pix_builds_them_for_its_pictures(choice, discriminator, logits):
    words = ["dataset.channels_a=1", f"network.discriminator={choice}"]
    with torch.device("meta"):
        model = create_model("pix2pix", dataset="paired_folders", overrides=words)
        assert isinstance(model.generator, UNetGenerator)
        assert isinstance(model.discriminator, discriminator)
        images = model.generator(torch.rand(1, 1, 256, 256))
        assert images.shape == (1, 3, 256, 256)
        pairs = torch.cat([torch.rand(1, 1, 256, 256), images], dim=1)
        assert model.score(pairs).shape[2:] == logits


def test_cycle_gan_builds_two_of_each():
    words = ["dataset.channels_a=1", "model.identity_weight=0"]
    with torch.device("meta"):
        model = create_model("cycle_gan", dataset="unpaired_folders", overrides=words)
        assert isinstance(model.a_to_b, ResNetTranslationGenerator)
        images = model.a_to_b(torch.rand(1, 1, 256, 256))
        assert images.shape == (1, 3, 256, 256)
        assert model.b_to_a(images).shape == (1, 1, 256, 256)
        assert model.score("b", images).shape == (1, 1, 30, 30)


def test_small_pictures_by_settings():
    words = ["network.generator.width=8", "network.generator.downsamplings=3"]
    small = [*words, "network.discriminator.downsamplings=1"]
    model = create_model("pix2pix", dataset="digits_edges", overrides=small)
    images = model.generator(torch.rand(2, 1, 8, 8))
    assert images.shape == (2, 1, 8, 8)
    assert model.score(torch.cat([images, images], dim=1)).shape == (2, 1, 2, 2)
