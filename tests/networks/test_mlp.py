import copy
import math
import pickle

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.initialization import HeUniform
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.normalization import (
    BatchNorm,
    InstanceNorm,
    LayerNorm,
    NoNorm,
    SpectralNorm,
)

NORMS = [
    NoNorm(),
    BatchNorm(eps=1e-5, momentum=0.1),
    LayerNorm(eps=1e-5),
    SpectralNorm(power_iterations=1),
]


def generator(**changes):
    torch.manual_seed(0)
    arguments = {
        "latent_dim": 3,
        "shape": [2],
        "width": 8,
        "depth": 3,
        "negative_slope": 0.2,
        "normalization": NoNorm(),
        "initialization": HeUniform(negative_slope=0.2),
    }
    return MLPGenerator(**arguments | changes)


def discriminator(**changes):
    torch.manual_seed(0)
    arguments = {
        "shape": [2],
        "width": 8,
        "depth": 3,
        "negative_slope": 0.2,
        "outputs": 1,
        "batch_statistics": NoBatchStatistics(),
        "normalization": NoNorm(),
        "initialization": HeUniform(negative_slope=0.2),
    }
    return MLPDiscriminator(**arguments | changes)


def parameters(network):
    return sum(value.numel() for value in network.parameters())


@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("shape", [[2], [5], [1, 4, 6], (3, 8, 8)])
def test_shapes_and_ranges(shape, depth, normalization):
    options = {"shape": shape, "depth": depth, "normalization": normalization}
    data = generator(**options)(torch.randn(6, 3))
    assert data.shape == (6, *shape)
    assert discriminator(**options)(data).shape == (6,)
    if len(shape) == 3:
        assert data.abs().max() <= 1


def test_points_are_not_bounded():
    network = generator()
    assert network(1000 * torch.randn(50, 3)).abs().max() > 10


def test_parameter_counts():
    # 3 x 8 + 8, twice 8 x 8 + 8, 8 x 2 + 2.
    assert parameters(generator()) == 32 + 72 + 72 + 18
    # 2 x 8 + 8, twice 8 x 8 + 8, 8 + 1.
    assert parameters(discriminator()) == 24 + 72 + 72 + 9
    # Batch norm brings 8 scales and 8 shifts a hidden layer in place of 8 biases.
    batch = BatchNorm(eps=1e-5, momentum=0.1)
    assert parameters(generator(normalization=batch)) == 194 + 3 * 8
    assert parameters(discriminator(normalization=batch)) == 177 + 2 * 8


def test_functions_are_those_written_with_matrices():
    network = generator(depth=2, shape=[1, 2, 3])
    latents = torch.randn(4, 3)
    features = latents
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    for layer in layers[:-1]:
        features = features @ layer.weight.T + layer.bias
        features = torch.where(features > 0, features, 0.2 * features)
    expected = torch.tanh(features @ layers[-1].weight.T + layers[-1].bias).reshape(4, 1, 2, 3)
    torch.testing.assert_close(network(latents), expected)

    network = discriminator(depth=2, shape=[1, 2, 3])
    features = expected.reshape(4, 6)
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    for layer in layers[:-1]:
        features = features @ layer.weight.T + layer.bias
        features = torch.where(features > 0, features, 0.2 * features)
    torch.testing.assert_close(network(expected), (features @ layers[-1].weight.T)[:, 0])


@pytest.mark.parametrize("normalization", NORMS)
@pytest.mark.parametrize("build", [generator, discriminator])
def test_gradients_reach_all_parameters(build, normalization):
    network = build(normalization=normalization)
    (network(torch.randn(16, 3 if build is generator else 2)) ** 2).sum().backward()
    assert all(value.grad.abs().max() > 0 for value in network.parameters())


def test_normalization_is_on_all_hidden_layers_but_the_discriminator_s_first():
    layer_norm = LayerNorm(eps=1e-5)
    kinds = [type(module).__name__ for module in generator(normalization=layer_norm).layers]
    assert kinds == ["Linear", "LayerNorm", "LeakyReLU"] * 3 + ["Linear"]
    kinds = [type(module).__name__ for module in discriminator(normalization=layer_norm).layers]
    assert kinds == ["Linear", "LeakyReLU"] + ["Linear", "LayerNorm", "LeakyReLU"] * 2 + ["Linear"]


def test_no_normalization_leaves_linear_layers_and_activations_only():
    for network in (generator(), discriminator()):
        assert {type(module) for module in network.layers} == {nn.Linear, nn.LeakyReLU}


def test_spectral_norm_bounds_the_slope_of_the_discriminator():
    network = discriminator(normalization=SpectralNorm(power_iterations=1), shape=[4])
    for _ in range(100):
        network(torch.zeros(1, 4))
    network.eval()
    first, second = 10 * torch.randn(2, 200, 4)
    moved = (network(first) - network(second)).abs()
    assert (moved <= 1.001 * (first - second).norm(dim=1)).all()


@pytest.mark.parametrize("build", [generator, discriminator])
def test_networks_copy_and_pickle(build):
    network = build(normalization=BatchNorm(eps=1e-5, momentum=0.1)).eval()
    inputs = torch.randn(4, 3 if build is generator else 2)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(inputs), network(inputs))


def test_spectral_networks_copy_and_load():
    network = discriminator(normalization=SpectralNorm(power_iterations=1))
    inputs = torch.randn(4, 2)
    network(inputs)
    network.eval()
    twin = copy.deepcopy(network)
    assert torch.equal(twin(inputs), network(inputs))
    torch.manual_seed(1)
    other = MLPDiscriminator(
        shape=[2],
        width=8,
        depth=3,
        negative_slope=0.2,
        outputs=1,
        batch_statistics=NoBatchStatistics(),
        normalization=SpectralNorm(power_iterations=1),
        initialization=HeUniform(negative_slope=0.2),
    ).eval()
    assert not torch.equal(other(inputs), network(inputs))
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(inputs), network(inputs))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: generator(shape=[3, 4]), r"points \[D\] or images \[C, H, W\].*not \[3, 4\]"),
        (lambda: discriminator(shape=[]), r"not \[\]"),
        (lambda: discriminator(shape=[1, 0, 4]), r"not \[1, 0, 4\]"),
        (lambda: generator(latent_dim=0), "latent_dim must be a whole number from 1 up, not 0"),
        (lambda: generator(width=-8), "width must be a whole number from 1 up, not -8"),
        (lambda: discriminator(depth=0), "depth must be a whole number from 1 up, not 0"),
        (lambda: discriminator(width=1.5), "width must be a whole number from 1 up, not 1.5"),
        (lambda: generator(negative_slope=math.nan), "negative_slope must be zero or a positive"),
        (lambda: generator(normalization=InstanceNorm(eps=1e-5)), "not on vectors"),
        (lambda: generator()(torch.randn(2, 4)), r"MLPGenerator was built.*\[B, 3\], not \[2, 4\]"),
        (
            lambda: discriminator()(torch.randn(2, 1, 8, 8)),
            r"MLPDiscriminator was built for batches \[B, 2\], not \[2, 1, 8, 8\]",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
