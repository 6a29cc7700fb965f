"""The networks of R3GAN: sizes, starts and labels; values are checked in tests/reference."""

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from ganzoo.networks.r3gan_blocks import GroupedBlock, usual_width

SMALL = {"width": 8, "max_width": 16}


@pytest.mark.parametrize(
    ("shape", "first"),
    [([1, 8, 8], (4, 4)), ([1, 28, 28], (7, 7)), ([3, 32, 32], (4, 4)), ([2, 48, 64], (3, 4))],
)
def test_sizes(shape, first):
    generator = R3GANGenerator(latent_dim=6, shape=shape, **SMALL)
    discriminator = R3GANDiscriminator(shape=shape, **SMALL)
    assert generator.basis.shape[1:] == discriminator.basis.shape[2:] == first
    images = generator(torch.randn(2, 6))
    assert images.shape == (2, *shape)
    assert discriminator(images).shape == (2,)


@pytest.mark.parametrize(
    ("side", "widths"), [(8, (192, 192)), (32, (768, 768)), (64, (384, 768)), (256, (96, 768))]
)
def test_usual_widths(side, widths):
    assert usual_width(side, 768) == widths


def test_blocks_start_as_the_identity_and_their_branch_by_fixup():
    block = GroupedBlock(64, groups=8, expansion=2, negative_slope=0.2, depth=16)
    features = torch.randn(2, 64, 4, 4)
    assert torch.equal(block(features), features)
    gain = (2 / 1.04) ** 0.5 / 2  # 16 ** (-1 / 4)
    for layer, inputs in ((0, 64), (2, 16 * 9)):
        deviation = block.layers[layer].weight.std()
        assert float(deviation) == pytest.approx(gain / inputs**0.5, rel=0.05)


def test_what_a_fresh_generator_returns_has_unit_variance_before_the_filters():
    """The basis times a sum of Z latents over Z has variance 1, and blocks are the identity."""
    generator = R3GANGenerator(latent_dim=64, shape=[3, 8, 8], width=1024, max_width=1024)
    weights = torch.randn(512, 64) @ generator.linear.T
    features = weights[:, :, None, None] * generator.basis
    assert float(features.var()) == pytest.approx(1.0, rel=0.05)


def test_a_label_changes_what_networks_say_and_the_logit_is_an_inner_product():
    generator = R3GANGenerator(latent_dim=6, shape=[1, 8, 8], num_classes=3, **SMALL)
    discriminator = R3GANDiscriminator(shape=[1, 8, 8], num_classes=3, **SMALL)
    latents, images = torch.randn(1, 6).expand(3, 6), torch.randn(1, 1, 8, 8).expand(3, 1, 8, 8)
    labels = torch.arange(3)
    assert len(generator(latents, labels).unique(dim=0)) == 3
    logits = discriminator(images, labels)
    with torch.no_grad():
        discriminator.embedding.mul_(2)
    torch.testing.assert_close(discriminator(images, labels), 2 * logits)


@pytest.mark.parametrize("network", [R3GANGenerator, R3GANDiscriminator])
def test_labels_that_do_not_fit_are_refused(network):
    latents = {"latent_dim": 6} if network is R3GANGenerator else {}
    data = torch.randn(2, 6) if latents else torch.randn(2, 1, 8, 8)
    with pytest.raises(InputError, match="takes no labels"):
        network(shape=[1, 8, 8], **latents, **SMALL)(data, torch.zeros(2, dtype=torch.long))
    with pytest.raises(InputError, match=r"takes labels \[B\]"):
        network(shape=[1, 8, 8], num_classes=3, **latents, **SMALL)(data)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"width": [8, 8, 8]}, "width has 3 numbers, and these images have maps of 2 sizes"),
        ({"width": 12}, "groups of 8 channels do not divide maps of 12"),
        ({"blocks": [1]}, "blocks has 1 numbers"),
        ({"expansion": 0}, "expansion must be"),
        ({"shape": [2]}, "works on images, not points"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(settings, said):
    with pytest.raises(InputError, match=said) as error:
        R3GANGenerator(**{"latent_dim": 6, "shape": [1, 8, 8], **SMALL} | settings)
    assert "\n" not in str(error.value)


def test_the_largest_maps_in_bfloat16():
    settings = {"shape": [1, 16, 16], "width": 16, "max_width": 16}
    generator = R3GANGenerator(latent_dim=6, bfloat16_sizes=1, **settings)
    discriminator = R3GANDiscriminator(bfloat16_sizes=1, **settings)
    seen = []
    for network in (generator, discriminator):
        for stage in network.stages:
            stage.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    images = generator(torch.randn(2, 6))
    logits = discriminator(images)
    half, full = torch.bfloat16, torch.float32
    assert seen == [full, full, half, half, full, full]
    assert images.dtype == logits.dtype == full
