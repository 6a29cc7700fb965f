import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.initialization import NormalInitialization
from ganzoo.networks.normalization import (
    BatchNorm,
    InstanceNorm,
    LayerNorm,
    NoNorm,
    SpectralNorm,
)

BATCH = BatchNorm(eps=1e-5, momentum=0.1)
SPECTRAL = SpectralNorm(power_iterations=1)
NORMS = [NoNorm(), BATCH, LayerNorm(eps=1e-5), InstanceNorm(eps=1e-5), SPECTRAL]


def generator(seed=0, **changes):
    torch.manual_seed(seed)
    arguments = {
        "latent_dim": 6,
        "shape": [3, 16, 16],
        "width": 4,
        "normalization": BATCH,
        "initialization": NormalInitialization(deviation=0.02),
    }
    return DCGANGenerator(**arguments | changes)


def discriminator(seed=0, **changes):
    torch.manual_seed(seed)
    arguments = {
        "shape": [3, 16, 16],
        "width": 4,
        "negative_slope": 0.2,
        "outputs": 1,
        "batch_statistics": NoBatchStatistics(),
        "normalization": BATCH,
        "initialization": NormalInitialization(deviation=0.02),
    }
    return DCGANDiscriminator(**arguments | changes)


def layers(network, kind):
    return [module for module in network.modules() if isinstance(module, kind)]


def parameters(network):
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize(
    ("shape", "base"),
    [
        ((1, 8, 8), (2, 2)),
        ((3, 16, 16), (4, 4)),
        ((13, 64, 64), (4, 4)),
        ((1, 256, 256), (4, 4)),
        ((2, 48, 64), (3, 4)),
        ((4, 64, 48), (4, 3)),
        ((1, 28, 28), (7, 7)),
        ((3, 32, 64), (4, 8)),
        ((1, 100, 20), (25, 5)),
        ((1, 512, 512), (4, 4)),
    ],
)
def test_shapes_and_range_at_every_size(shape, base):
    options = {"shape": list(shape), "width": 1}
    network = generator(**options)
    images = network(torch.randn(2, 6))
    assert layers(network, nn.Unflatten)[0].unflattened_size[1:] == base
    assert images.shape == (2, *shape)
    assert images.abs().max() <= 1
    assert discriminator(**options)(images).shape == (2,)


@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("size", [8, 32])
def test_every_normalization_trains_all_parameters(size, normalization):
    options = {"shape": [3, size, size], "normalization": normalization}
    images = generator(**options)
    logits = discriminator(**options)
    logits(images(torch.randn(3, 6))).square().sum().backward()
    for network in (images, logits):
        assert all(value.grad.abs().max() > 0 for value in network.parameters())


def test_channels_double_from_the_image_inwards_up_to_eight_times():
    widths = [
        layer.in_channels
        for layer in layers(generator(shape=[1, 256, 256], width=2), nn.ConvTranspose2d)
    ]
    assert widths == [16, 16, 16, 8, 4, 2]
    widths = [
        layer.out_channels
        for layer in layers(discriminator(shape=[1, 256, 256], width=2), nn.Conv2d)
    ]
    assert widths == [2, 4, 8, 16, 16, 16]


@pytest.mark.parametrize(("size", "levels", "base"), [(8, 2, 2), (16, 2, 4), (64, 4, 4)])
def test_levels_of_the_paper_s_sizes_end_at_4x4_maps_but_for_8_pixels(size, levels, base):
    network = discriminator(shape=[1, size, size])
    assert len(layers(network, nn.Conv2d)) == levels
    widest = 4 * 2 ** (levels - 1)
    assert layers(network, nn.Linear)[0].in_features == widest * base**2
    network = generator(shape=[1, size, size])
    assert len(layers(network, nn.ConvTranspose2d)) == levels
    assert layers(network, nn.Linear)[0].out_features == widest * base**2


def test_parameter_count_of_the_paper_s_generator():
    # 100 to 1024 x 4 x 4, then 4 x 4 kernels 1024-512-256-128 without bias, then to 3 with one;
    # a scale and a shift for each normalised channel.
    expected = 100 * 1024 * 16 + 16 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3) + 3
    expected += 2 * (1024 + 512 + 256 + 128)
    assert parameters(generator(latent_dim=100, shape=[3, 64, 64], width=128)) == expected


def test_parameter_count_of_the_discriminator():
    expected = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 512 * 16 + 1
    expected += 2 * (128 + 256 + 512)
    assert parameters(discriminator(shape=[3, 64, 64], width=64)) == expected


def test_nothing_is_normalised_at_the_generator_s_output_and_the_discriminator_s_input():
    kinds = [type(module).__name__ for module in generator().layers]
    level = ["BatchNorm2d", "ReLU", "ConvTranspose2d"]
    assert kinds == ["Linear", "Unflatten", *level, *level, "Tanh"]
    kinds = [type(module).__name__ for module in discriminator().layers]
    level = ["Conv2d", "BatchNorm2d", "LeakyReLU"]
    assert kinds == ["Conv2d", "LeakyReLU", *level, "Flatten", "Linear"]


def test_a_critic_without_normalization_has_none():
    kinds = {type(module) for module in discriminator(normalization=NoNorm()).layers}
    assert kinds == {nn.Conv2d, nn.LeakyReLU, nn.Flatten, nn.Linear}


def test_without_batch_norm_samples_of_a_batch_do_not_touch_one_another():
    images = torch.randn(4, 3, 16, 16)
    for normalization in NORMS:
        network = discriminator(normalization=normalization)
        if normalization is SPECTRAL:
            network.eval()
        alone = torch.cat([network(images[[index]]) for index in range(4)])
        together = torch.allclose(network(images), alone, atol=1e-5)
        assert together == (normalization is not BATCH)


def test_discriminator_s_function_is_the_written_one():
    network = discriminator(normalization=NoNorm(), initialization=lambda network: None)
    images = torch.randn(2, 3, 16, 16)
    features = images
    for layer in layers(network, nn.Conv2d):
        features = functional.conv2d(features, layer.weight, layer.bias, stride=2, padding=1)
        features = torch.maximum(features, 0.2 * features)
    (output,) = layers(network, nn.Linear)
    expected = (features.reshape(2, -1) * output.weight).sum(1) + output.bias
    torch.testing.assert_close(network(images), expected)


def test_generator_s_function_is_the_written_one():
    network = generator(normalization=NoNorm(), initialization=lambda network: None)
    latents = torch.randn(2, 6)
    (projection,) = layers(network, nn.Linear)
    features = (latents @ projection.weight.T + projection.bias).reshape(2, 8, 4, 4)
    for layer in layers(network, nn.ConvTranspose2d):
        features = functional.conv_transpose2d(
            features.clamp(min=0), layer.weight, layer.bias, stride=2, padding=1
        )
    torch.testing.assert_close(network(latents), features.tanh())


def test_weights_are_drawn_as_in_the_paper():
    network = generator(latent_dim=100, shape=[3, 32, 32], width=32)
    for layer in layers(network, nn.ConvTranspose2d | nn.Linear):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    for layer in layers(network, nn.BatchNorm2d):
        assert layer.weight.mean().item() == pytest.approx(1, abs=0.02)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.4)


def test_spectral_weights_have_largest_singular_value_one():
    network = discriminator(normalization=SPECTRAL, shape=[3, 32, 32])
    for _ in range(100):
        network(torch.randn(1, 3, 32, 32))
    network.eval()
    for layer in layers(network, nn.Conv2d | nn.Linear):
        largest = torch.linalg.svdvals(layer.weight.flatten(1))[0].item()
        assert largest == pytest.approx(1, abs=1e-2)


def test_seeds_decide_the_weights():
    first, same, other = generator(0), generator(0), generator(1)
    for name, value in first.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        if value.dim() > 1:
            assert not torch.equal(value, other.get_parameter(name))


@pytest.mark.parametrize("build", [generator, discriminator])
def test_networks_copy_and_pickle(build):
    network = build().eval()
    inputs = torch.randn(2, 6) if build is generator else torch.randn(2, 3, 16, 16)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(inputs), network(inputs))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: generator(shape=[1, 30, 30]),
            "DCGANGenerator works on images whose height and width can be halved together 2 times"
            " or more, to between 2 and 32 pixels, not 30x30: set dataset.image_size=28 or 32, or"
            " choose network=mlp",
        ),
        (
            lambda: discriminator(shape=[3, 33, 65]),
            r"not 33x65: set dataset.image_size=\[32,64\] or",
        ),
        (lambda: discriminator(shape=[3, 4, 4]), "not 4x4: set dataset.image_size=8 or 12"),
        (lambda: generator(shape=[3, 252, 252]), "not 252x252: set dataset.image_size=248 or 256"),
        (lambda: generator(shape=[2]), r"not points \[2\]: choose network=mlp"),
        (lambda: discriminator(shape=[0, 32, 32]), r"positive sizes, not \[0, 32, 32\]"),
        (lambda: generator(latent_dim=-1), "latent_dim must be a whole number from 1 up, not -1"),
        (lambda: discriminator(width=0), "width must be a whole number from 1 up, not 0"),
        (lambda: discriminator(negative_slope=-0.2), "negative_slope must be zero or a positive"),
        (lambda: generator()(torch.randn(2, 3)), r"built for batches \[B, 6\], not \[2, 3\]"),
        (
            lambda: discriminator()(torch.randn(2, 1, 16, 16)),
            r"built for batches \[B, 3, 16, 16\], not \[2, 1, 16, 16\]",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
