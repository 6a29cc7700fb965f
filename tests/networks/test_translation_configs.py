"""The networks of pix2pix and CycleGAN as models build them."""

import pytest
import torch

from ganzoo import create_model
from ganzoo.errors import InputError
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
        assert model.discriminator(pairs).shape[2:] == logits


def test_cycle_gan_builds_two_of_each():
    words = ["dataset.channels_a=1", "model.identity_weight=0"]
    with torch.device("meta"):
        model = create_model("cycle_gan", dataset="unpaired_folders", overrides=words)
        assert isinstance(model.a_to_b, ResNetTranslationGenerator)
        images = model.a_to_b(torch.rand(1, 1, 256, 256))
        assert images.shape == (1, 3, 256, 256)
        assert model.b_to_a(images).shape == (1, 1, 256, 256)
        assert model.score("b", images).shape == (1, 1, 30, 30)


@pytest.mark.parametrize(
    ("size", "halvings", "patches"),
    [("8", 3, 1), ("12", 2, 2), ("32", 5, 3), ("[48,64]", 4, 3), ("256", 8, 3), ("512", 8, 3)],
)
def test_networks_are_as_deep_as_the_pictures_allow(size, halvings, patches):
    with torch.device("meta"):
        model = create_model(
            "pix2pix", dataset="paired_folders", overrides=[f"dataset.image_size={size}"]
        )
        shape = model.shapes["a"]
        pairs = torch.cat([torch.rand(1, *shape), model.generator(torch.rand(1, *shape))], dim=1)
        assert model.generator.downsamplings == halvings
        assert model.discriminator.downsamplings == patches
        assert model.discriminator(pairs).shape[2:] == tuple(n // 2**patches - 2 for n in shape[1:])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset.image_size=30"], "multiples of 4, not 30x30: set dataset.image_size=32"),
        (["dataset.image_size=4"], "6 pixels and more, not 4x4: set dataset.image_size=6"),
        (["network.discriminator.downsamplings=2"], "or network.discriminator.downsamplings=1"),
        (["network.generator.downsamplings=4"], "or network.generator.downsamplings=3"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_setting(words, message):
    with pytest.raises(InputError, match=message):
        create_model("pix2pix", dataset="digits_edges", overrides=words)
