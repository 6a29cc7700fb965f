import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.normalization import BatchNorm, InstanceNorm, LayerNorm, NoNorm, SpectralNorm
from ganzoo.networks.unet import UNetGenerator
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


def unet(**changes):
    torch.manual_seed(0)
    arguments = {"shape": [3, 16, 32], "out_channels": 2, "width": 4, "downsamplings": 4}
    return UNetGenerator(**arguments | changes)


@pytest.mark.parametrize("normalization", NORMS, ids=lambda norm: type(norm).__name__)
def test_a_picture_becomes_another_of_its_size_and_all_parameters_learn(normalization):
    network = unet(normalization=normalization)
    images = network(torch.rand(2, 3, 16, 32) * 2 - 1)
    assert images.shape == (2, 2, 16, 32)
    assert images.abs().max() <= 1
    images.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("size", [(16, 16), (48, 16), (64, 128)])
def test_pictures_of_other_sizes_than_it_was_built_for(size):
    assert unet()(torch.rand(2, 3, *size)).shape == (2, 2, *size)


def test_it_is_the_function_of_the_papers_figure():
    """Three levels by hand, with what LeakyReLU gives on the skips."""
    network = unet(shape=[3, 8, 8], downsamplings=3, normalization=PLAIN_INSTANCE)
    (first, second, third), (output, *up) = network.down, network.up

    def down(layers, images):
        return functional.conv2d(images, layers[0].weight, layers[0].bias, 2, 1)

    def double(layer, images):
        images = functional.relu(images)
        return functional.conv_transpose2d(images, layer.weight, layer.bias, 2, 1)

    images = torch.rand(2, 3, 8, 8)
    one = functional.leaky_relu(down(first, images), 0.2)
    two = functional.leaky_relu(functional.instance_norm(down(second, one)), 0.2)
    back = functional.instance_norm(double(up[1][0], down(third, two)))
    back = functional.instance_norm(double(up[0][0], torch.cat([two, back], dim=1)))
    by_hand = torch.tanh(double(output, torch.cat([one, back], dim=1)))
    torch.testing.assert_close(network(images), by_hand)


@pytest.mark.parametrize(("downsamplings", "layers"), [(4, 0), (5, 0), (6, 1), (8, 3)])
def test_dropout_where_channels_no_longer_grow(downsamplings, layers):
    """The paper's three layers at 256 pixels are the network's only noise, and only in training."""
    side = 2**downsamplings
    network = unet(shape=[1, side, side], width=1, downsamplings=downsamplings)
    assert sum(isinstance(module, nn.Dropout) for module in network.modules()) == layers
    network.eval()
    images = torch.rand(1, 1, side, side)
    assert torch.equal(network(images), network(images))
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train()
    assert torch.equal(network(images), network(images)) == (layers == 0)


def test_weights_start_as_the_papers():
    network = unet(width=16, normalization=BatchNorm())
    weights = torch.cat([p.flatten() for n, p in network.named_parameters() if p.dim() == 4])
    assert abs(weights.mean()) < 1e-3
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    scales = [m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert torch.cat(scales).mean().item() == pytest.approx(1, abs=0.01)
    assert torch.cat(scales).std().item() == pytest.approx(0.02, rel=0.3)
    assert all(p.eq(0).all() for n, p in network.named_parameters() if n.endswith("bias"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": [3, 24, 32]}, "multiples of 16, not 24x32.*image_size=32.*downsamplings=3$"),
        ({"shape": [3, 7, 7]}, "multiples of 16, not 7x7: set dataset.image_size=16$"),
        ({"shape": [2]}, "works on images, not points"),
        ({"downsamplings": 1}, "downsamplings must be a whole number from 2"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, not 1.0"),
        ({"out_channels": 0}, "out_channels must be"),
        ({"width": 0}, "width must be"),
        ({"negative_slope": -1}, "negative_slope must be"),
    ],
)
def test_what_cannot_be_built(changes, said):
    with pytest.raises(InputError, match=said):
        unet(**changes)


def test_pictures_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="multiples of 16, not 16x40"):
        unet()(torch.rand(1, 3, 16, 40))
    with pytest.raises(InputError, match=r"built for images \[B, 3, H, W\], not \[1, 1, 16, 16\]"):
        unet()(torch.rand(1, 1, 16, 16))
