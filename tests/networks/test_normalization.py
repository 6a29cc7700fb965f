import math

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.networks.normalization import (
    BatchNorm,
    InstanceNorm,
    LayerNorm,
    NoNorm,
    SpectralNorm,
)

EPS = 1e-5
LAYERS = [
    lambda: nn.Linear(12, 7),
    lambda: nn.Conv2d(3, 8, 3),
    lambda: nn.ConvTranspose2d(5, 4, 4, stride=2),
]


def standardised(features, axes):
    mean = features.mean(axes, keepdim=True)
    variance = (features - mean).square().mean(axes, keepdim=True)
    return (features - mean) / (variance + EPS).sqrt()


@pytest.mark.parametrize(
    ("normalization", "axes"),
    [
        (BatchNorm(eps=EPS, momentum=0.1), (0, 2, 3)),
        (LayerNorm(eps=EPS), (1, 2, 3)),
        (InstanceNorm(eps=EPS), (2, 3)),
    ],
)
def test_maps_are_standardised_over_the_stated_axes(normalization, axes):
    torch.manual_seed(0)
    features = 3 * torch.randn(4, 6, 5, 5) + torch.arange(6).view(1, 6, 1, 1)
    output = normalization.activations(6, 2)(features)
    torch.testing.assert_close(output, standardised(features, axes), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("normalization", "axes"),
    [(BatchNorm(eps=EPS, momentum=0.1), (0,)), (LayerNorm(eps=EPS), (1,))],
)
def test_vectors_are_standardised_over_the_stated_axes(normalization, axes):
    torch.manual_seed(0)
    features = 3 * torch.randn(16, 6) + 1
    output = normalization.activations(6, 0)(features)
    torch.testing.assert_close(output, standardised(features, axes), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "normalization",
    [BatchNorm(eps=EPS, momentum=0.1), LayerNorm(eps=EPS), InstanceNorm(eps=EPS)],
)
def test_every_channel_has_its_own_scale_and_shift(normalization):
    module = normalization.activations(6, 2)
    assert {name: tuple(value.shape) for name, value in module.named_parameters()} == {
        "weight": (6,),
        "bias": (6,),
    }


@pytest.mark.parametrize(
    "normalization",
    [
        BatchNorm(eps=EPS, momentum=0.1),
        InstanceNorm(eps=EPS),
        LayerNorm(eps=EPS),
        NoNorm(),
        SpectralNorm(power_iterations=1),
    ],
)
def test_replaces_bias_says_whether_a_bias_before_it_has_an_effect(normalization):
    torch.manual_seed(0)
    features, bias = torch.randn(4, 6, 5, 5), torch.randn(1, 6, 1, 1)
    module = normalization.activations(6, 2)
    unchanged = torch.allclose(module(features + bias), module(features), atol=1e-4)
    assert unchanged == normalization.replaces_bias


def test_batch_norm_takes_momentum_and_eps():
    module = BatchNorm(eps=0.5, momentum=1.0).activations(2, 0)
    features = torch.tensor([[0.0, 2.0], [4.0, 2.0]])
    output = module(features)
    torch.testing.assert_close(module.running_mean, torch.tensor([2.0, 2.0]))
    assert output[1, 0].item() == pytest.approx(2 / math.sqrt(4 + 0.5))


@pytest.mark.parametrize("layer", LAYERS)
def test_spectral_norm_brings_the_largest_singular_value_to_one(layer):
    torch.manual_seed(0)
    module = SpectralNorm(power_iterations=1).weighted(layer())
    with torch.no_grad():
        module.parametrizations.weight.original.mul_(30)
        for _ in range(200):
            weight = module.weight
    if isinstance(module, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    largest = torch.linalg.svdvals(weight.flatten(1))[0].item()
    assert largest == pytest.approx(1.0, abs=1e-3)


def test_spectral_norm_makes_a_linear_layer_1_lipschitz():
    torch.manual_seed(0)
    module = SpectralNorm(power_iterations=1).weighted(nn.Linear(6, 9))
    for _ in range(100):
        module(torch.zeros(1, 6))
    module.eval()
    first, second = torch.randn(2, 50, 6)
    moved = (module(first) - module(second)).norm(dim=1)
    assert (moved <= 1.001 * (first - second).norm(dim=1)).all()


def test_more_power_iterations_converge_in_fewer_forwards():
    errors = []
    for power_iterations in (1, 10):
        torch.manual_seed(0)
        module = SpectralNorm(power_iterations=power_iterations).weighted(nn.Linear(50, 50))
        with torch.no_grad():
            module.parametrizations.weight.original.normal_()
            errors.append(abs(torch.linalg.svdvals(module.weight)[0].item() - 1))
    assert errors[1] < errors[0] / 2


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "normalization",
    [
        NoNorm(),
        BatchNorm(eps=EPS, momentum=0.1),
        LayerNorm(eps=EPS),
        InstanceNorm(eps=EPS),
    ],
)
def test_only_spectral_norm_touches_weights(normalization, layer):
    module = layer()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    after = normalization.weighted(module)
    assert after is module
    assert list(after.state_dict()) == list(before)
    assert all(torch.equal(after.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("normalization", [NoNorm(), SpectralNorm(power_iterations=1)])
@pytest.mark.parametrize("dimensions", [0, 2])
def test_none_and_spectral_leave_activations_alone(normalization, dimensions):
    features = torch.randn(2, 3, 4, 4)
    assert normalization.activations(3, dimensions)(features) is features


def test_instance_norm_refuses_vectors_in_one_line():
    with pytest.raises(InputError, match="feature maps, not on vectors: choose") as error:
        InstanceNorm(eps=EPS).activations(8, 0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (BatchNorm, {"eps": 0.0, "momentum": 0.1}, "eps must be a positive number, not 0.0"),
        (BatchNorm, {"eps": EPS, "momentum": math.nan}, "momentum must be a positive number"),
        (BatchNorm, {"eps": EPS, "momentum": 1.5}, "at most 1, not 1.5"),
        (LayerNorm, {"eps": -1.0}, "eps must be a positive number"),
        (InstanceNorm, {"eps": -1.0}, "eps must be a positive number"),
        (SpectralNorm, {"power_iterations": 0}, "power_iterations must be a whole number from 1"),
        (SpectralNorm, {"power_iterations": 1.5}, "power_iterations must be a whole number from 1"),
    ],
)
def test_wrong_numbers_are_refused(build, arguments, message):
    with pytest.raises(InputError, match=message):
        build(**arguments)


def test_instance_normalization_without_affine_has_no_parameters_and_leaves_biases_to_layers():
    norm = InstanceNorm(eps=EPS, affine=False)
    module = norm.activations(6, 2)
    assert list(module.state_dict()) == []
    assert not norm.replaces_bias
    features = torch.randn(4, 6, 5, 5)
    torch.testing.assert_close(module(features), standardised(features, (2, 3)))
