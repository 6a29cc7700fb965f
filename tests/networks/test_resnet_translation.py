import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.normalization import BatchNorm, InstanceNorm, LayerNorm, NoNorm, SpectralNorm
from ganzoo.networks.resnet_translation import ResNetTranslationGenerator
from ganzoo.networks.virtual_batch import VirtualBatchNorm

PLAIN_INSTANCE = InstanceNorm(affine=False)
NORMS = [
    NoNorm(),
    BatchNorm(),
    LayerNorm(),
    PLAIN_INSTANCE,
    SpectralNorm(),
    VirtualBatchNorm(reference_size=2),
]


def resnet(**changes):
    torch.manual_seed(0)
    arguments = {"shape": [3, 16, 24], "out_channels": 2, "width": 4, "blocks": 2}
    return ResNetTranslationGenerator(**arguments | changes)


@pytest.mark.parametrize("normalization", NORMS, ids=lambda norm: type(norm).__name__)
def test_a_picture_becomes_another_of_its_size_and_all_parameters_learn(normalization):
    network = resnet(normalization=normalization)
    images = network(torch.rand(2, 3, 16, 24) * 2 - 1)
    assert images.shape == (2, 2, 16, 24)
    assert images.abs().max() <= 1
    images.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("size", [(8, 8), (8, 28), (64, 36)])
@pytest.mark.parametrize("padding_mode", ["reflect", "zeros", "replicate", "circular"])
def test_pictures_of_other_sizes_than_it_was_built_for(size, padding_mode):
    network = resnet(padding_mode=padding_mode)
    assert network(torch.rand(2, 3, *size)).shape == (2, 2, *size)


def test_it_is_the_function_of_the_papers_appendix():
    """One downsampling and one block by hand: c7s1-4, d8, R8, u4, c7s1-2."""
    network = resnet(downsamplings=1, blocks=1)
    parameters = list(network.parameters())
    weights, biases = iter(parameters[::2]), iter(parameters[1::2])

    def convolve(images, padding, mode="reflect", **options):
        padded = functional.pad(images, [padding] * 4, mode=mode)
        return functional.conv2d(padded, next(weights), next(biases), **options)

    def rectified(images):
        return functional.relu(functional.instance_norm(images))

    images = torch.rand(2, 3, 16, 24)
    inner = rectified(convolve(images, 3))
    inner = rectified(convolve(inner, 1, "constant", stride=2))
    residual = functional.instance_norm(convolve(rectified(convolve(inner, 1)), 1))
    options = {"stride": 2, "padding": 1, "output_padding": 1}
    doubled = functional.conv_transpose2d(inner + residual, next(weights), next(biases), **options)
    torch.testing.assert_close(network(images), torch.tanh(convolve(rectified(doubled), 3)))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_in_each_block(dropout):
    network = resnet(dropout=dropout)
    shares = [module.p for module in network.modules() if isinstance(module, nn.Dropout)]
    assert shares == ([0.5, 0.5] if dropout else [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": [3, 18, 24]}, "multiples of 4 from 8 up, not 18x24: set dataset.image_size=16$"),
        ({"shape": [3, 4, 4]}, "from 8 up, not 4x4: set dataset.image_size=8$"),
        ({"shape": [2]}, "works on images, not points"),
        ({"blocks": -1}, "blocks must be"),
        ({"downsamplings": 0}, "downsamplings must be"),
        ({"dropout": -0.1}, "dropout must be"),
    ],
)
def test_what_cannot_be_built(changes, said):
    with pytest.raises(InputError, match=said):
        resnet(**changes)


def test_pictures_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="multiples of 4 from 8 up, not 16x22"):
        resnet()(torch.rand(1, 3, 16, 22))
    with pytest.raises(InputError, match=r"built for images \[B, 3, H, W\], not \[3, 16, 24\]"):
        resnet()(torch.rand(3, 16, 24))
