import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.blocks import discriminator_block, generator_block, image_block
from ganzoo.networks.initialization import NormalInitialization, XavierUniform
from ganzoo.networks.normalization import (
    BatchNorm,
    InstanceNorm,
    LayerNorm,
    NoNorm,
    SpectralNorm,
)
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator

BATCH = BatchNorm(eps=1e-5, momentum=0.1)
SPECTRAL = SpectralNorm(power_iterations=1)
NORMS = [NoNorm(), BATCH, LayerNorm(eps=1e-5), InstanceNorm(eps=1e-5), SPECTRAL]
INITIALIZATIONS = {
    "initialization": XavierUniform(gain=1.0),
    "residual_initialization": XavierUniform(gain=2**0.5),
}


def generator(seed=0, **changes):
    torch.manual_seed(seed)
    arguments = {"latent_dim": 6, "shape": [3, 32, 32], "width": 8, "normalization": BATCH}
    return ResNetGenerator(**arguments | INITIALIZATIONS | changes)


def discriminator(seed=0, **changes):
    torch.manual_seed(seed)
    arguments = {
        "shape": [3, 32, 32],
        "width": 8,
        "outputs": 1,
        "batch_statistics": NoBatchStatistics(),
        "normalization": NoNorm(),
    }
    return ResNetDiscriminator(**arguments | INITIALIZATIONS | changes)


def convolutions(network):
    return [module for module in network.modules() if isinstance(module, nn.Conv2d)]


def parameters(network):
    return sum(value.numel() for value in network.parameters())


def convolve(features, layer, padding):
    return functional.conv2d(features, layer.weight, layer.bias, padding=padding)


def double(features):
    return features.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def halve(features):
    return functional.avg_pool2d(features, 2)


@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("size", [(32, 32), (48, 64), (128, 128)])
def test_shapes_and_range_at_every_size(size, normalization):
    options = {"shape": [2, *size], "width": 4, "normalization": normalization}
    images = generator(**options)(torch.randn(2, 6))
    assert images.shape == (2, 2, *size)
    assert images.abs().max() <= 1
    assert discriminator(**options)(images).shape == (2,)


@pytest.mark.parametrize("normalization", NORMS)
def test_gradients_reach_all_parameters(normalization):
    images = generator(normalization=normalization)
    logits = discriminator(normalization=normalization)
    logits(images(torch.randn(3, 6))).square().sum().backward()
    for network in (images, logits):
        assert all(value.grad.abs().max() > 0 for value in network.parameters())


@pytest.mark.parametrize("normalization", [NoNorm(), BATCH])
def test_generator_block_is_the_papers_and_does_not_rectify_its_skip(normalization):
    torch.manual_seed(0)
    block = generator_block(4, 6, normalization)
    features = torch.randn(3, 4, 5, 5)
    first, second, skip = convolutions(block)

    def rectify(values):
        if normalization is BATCH:
            mean, variance = values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)
            values = (values - mean.view(1, -1, 1, 1)) / (variance + 1e-5).sqrt().view(1, -1, 1, 1)
        return values.clamp(min=0)

    expected = convolve(rectify(convolve(double(rectify(features)), first, 1)), second, 1)
    expected = expected + convolve(double(features), skip, 0)
    before = features.clone()
    torch.testing.assert_close(block(features), expected, atol=1e-5, rtol=1e-4)
    assert torch.equal(features, before)


@pytest.mark.parametrize(("pool", "halved"), [(nn.AvgPool2d(2), True), (nn.Identity(), False)])
@pytest.mark.parametrize("width_out", [4, 6])
def test_discriminator_block_is_the_papers_and_does_not_rectify_its_skip(pool, halved, width_out):
    torch.manual_seed(0)
    block = discriminator_block(4, width_out, NoNorm(), pool=pool)
    features = torch.randn(3, 4, 6, 6)
    first, second, *skip = convolutions(block)
    assert len(skip) == (halved or width_out == 6)

    expected = convolve(convolve(features.clamp(min=0), first, 1).clamp(min=0), second, 1)
    shortcut = convolve(features, skip[0], 0) if skip else features
    expected = expected + shortcut
    before = features.clone()
    torch.testing.assert_close(block(features), halve(expected) if halved else expected)
    assert torch.equal(features, before)


def test_first_block_convolves_the_image_before_any_relu():
    torch.manual_seed(0)
    block = image_block(3, 5, NoNorm())
    images = torch.randn(2, 3, 8, 8)
    first, second, skip = convolutions(block)
    expected = halve(convolve(convolve(images, first, 1).clamp(min=0), second, 1))
    torch.testing.assert_close(block(images), expected + convolve(halve(images), skip, 0))


def test_discriminator_ends_in_relu_sum_and_linear():
    network = discriminator()
    images = torch.randn(2, 3, 32, 32)
    features = images
    for block in list(network.blocks)[:-1]:
        features = block(features)
    assert features.shape == (2, 8, 8, 8)
    pooled = features.clamp(min=0).flatten(2).sum(2)
    expected = (pooled * network.output.weight).sum(1) + network.output.bias
    torch.testing.assert_close(network(images), expected)


def count(widths, skips):
    """Weights and biases of a stack of blocks with two 3x3 convolutions, and 1x1 skips."""
    return sum(
        9 * first * middle + middle + 9 * middle * second + second + skip * (first + 1) * second
        for (first, middle, second), skip in zip(widths, skips, strict=True)
    )


def test_parameter_counts_at_32_pixels():
    # SNGAN, CIFAR-10: linear 128 to 256 x 4 x 4, three blocks of 256, batch norm, 3x3 to RGB.
    # The first convolution of each block has no bias, for a batch norm follows it.
    expected = 129 * 256 * 16 + count([(256, 256, 256)] * 3, [1] * 3) - 3 * 256
    expected += 7 * 2 * 256 + 9 * 256 * 3 + 3
    assert parameters(generator(latent_dim=128, width=256)) == expected
    # Blocks 3 to 128, and three of 128, of which the first halves the size; linear to 1.
    expected = count([(3, 128, 128)] + [(128, 128, 128)] * 3, [1, 1, 0, 0]) + 129
    assert parameters(discriminator(width=128)) == expected


def test_channels_at_64_and_128_pixels_follow_the_tables():
    # An eighth of the papers' 1024, 512, 256, 128, 64.
    for size, widths in ((64, [128, 64, 32, 16, 8]), (128, [128, 128, 64, 32, 16, 8])):
        network = generator(shape=[3, size, size], width=32)
        assert network.layers[0].out_features == 16 * widths[0]
        assert [layer.out_channels for layer in convolutions(network)[1:-1:3]] == widths[1:]
    for size, widths in ((64, [8, 16, 32, 64, 128]), (128, [8, 16, 32, 64, 128, 128])):
        network = discriminator(shape=[3, size, size], width=16)
        assert [convolutions(block)[1].out_channels for block in network.blocks[:-1]] == widths
        assert network.output.in_features == widths[-1]


@pytest.mark.parametrize(
    ("size", "first", "last"),
    [
        ((32, 32), (4, 4), (8, 8)),
        ((64, 64), (4, 4), (2, 2)),
        ((128, 128), (4, 4), (4, 4)),
        ((48, 64), (3, 4), (3, 4)),  # no block halves an odd side
        ((16, 32), (2, 4), (4, 8)),
        ((256, 128), (8, 4), (8, 4)),
    ],
)
def test_smallest_maps_have_the_tables_size_or_the_nearest(size, first, last):
    shape = [3, *size]
    assert generator(shape=shape).layers[1].unflattened_size[1:] == first
    features = discriminator(shape=shape).blocks(torch.randn(1, *shape))
    assert features.shape[-2:] == last


def test_residual_branches_start_with_gain_sqrt_2_and_the_rest_with_1():
    network = generator(shape=[3, 64, 64], width=32, normalization=NoNorm())
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            kernel = module.kernel_size[0] ** 2
            gain = 2**0.5 if "residual" in name else 1
            fans = kernel * (module.in_channels + module.out_channels)
            bound = gain * (6 / fans) ** 0.5
            assert 0.9 * bound < module.weight.abs().max().item() <= bound * (1 + 1e-6), name


def test_a_critic_without_normalization_has_none_and_batch_norm_ties_a_batch():
    images = torch.randn(4, 3, 32, 32)
    network = discriminator()
    kinds = {type(module).__name__ for module in network.modules()}
    assert not {kind for kind in kinds if "Norm" in kind}
    alone = torch.cat([network(images[[index]]) for index in range(4)])
    torch.testing.assert_close(network(images), alone, atol=1e-4, rtol=1e-4)
    network = discriminator(normalization=BATCH)
    alone = torch.cat([network(images[[index]]) for index in range(4)])
    assert not torch.allclose(network(images), alone, atol=1e-4, rtol=1e-4)


def test_spectral_weights_have_largest_singular_value_one():
    network = discriminator(normalization=SPECTRAL)
    for _ in range(60):
        network(torch.randn(1, 3, 32, 32))
    network.eval()
    for layer in [*convolutions(network), network.output]:
        largest = torch.linalg.svdvals(layer.weight.flatten(1))[0].item()
        assert largest == pytest.approx(1, abs=2e-2)


def test_seeds_decide_the_weights():
    first, same, other = discriminator(0), discriminator(0), discriminator(1)
    for name, value in first.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        if value.dim() > 1:
            assert not torch.equal(value, other.get_parameter(name))


@pytest.mark.parametrize("build", [generator, discriminator])
def test_networks_copy_and_pickle(build):
    network = build().eval()
    inputs = torch.randn(2, 6) if build is generator else torch.randn(2, 3, 32, 32)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(inputs), network(inputs))


def test_an_initialization_of_the_user_s_own_is_taken():
    initialization = NormalInitialization(deviation=0.5)
    network = discriminator(initialization=initialization, residual_initialization=initialization)
    for layer in convolutions(network)[3:5]:
        assert layer.weight.std().item() == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: generator(shape=[1, 28, 28]),
            "ResNetGenerator works on images whose height and width can be halved together 3 times"
            " .* not 28x28: set dataset.image_size=24 or 32, or choose network=mlp",
        ),
        (
            lambda: discriminator(shape=[3, 36, 64]),
            r"ResNetDiscriminator .* not 36x64: .*\[32,64\]",
        ),
        (lambda: discriminator(shape=[2]), r"not points \[2\]: choose network=mlp"),
        (lambda: generator(latent_dim=0), "latent_dim must be a whole number from 1 up, not 0"),
        (lambda: discriminator(width=0), "width must be a whole number from 1 up, not 0"),
        (
            lambda: generator(shape=[3, 64, 64], width=6),
            "width must be a multiple of 4 at this image size, not 6",
        ),
        (
            lambda: discriminator(shape=[3, 128, 128], width=5),
            "width must be a multiple of 2 at this image size, not 5",
        ),
        (lambda: generator()(torch.randn(2, 3)), r"built for batches \[B, 6\], not \[2, 3\]"),
        (lambda: discriminator()(torch.randn(2, 3, 64, 64)), r"not \[2, 3, 64, 64\]"),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
