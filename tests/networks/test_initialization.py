import copy
import math

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganzoo.errors import InputError
from ganzoo.networks.initialization import (
    HeNormal,
    HeUniform,
    NormalInitialization,
    XavierUniform,
    fans,
)


def kurtosis(values):
    centred = values - values.mean()
    return (centred**4).mean().item() / centred.square().mean().item() ** 2


UNIFORM, NORMAL = 1.8, 3.0  # fourth moments over squared variances


@pytest.mark.parametrize(
    ("initialization", "expected", "fourth"),
    [
        (NormalInitialization(deviation=0.02), 0.02, NORMAL),
        (XavierUniform(gain=1.0), math.sqrt(2 / (64 * 9 + 96 * 9)), UNIFORM),
        (XavierUniform(gain=math.sqrt(2)), math.sqrt(4 / (64 * 9 + 96 * 9)), UNIFORM),
        (HeNormal(negative_slope=0.0), math.sqrt(2 / (64 * 9)), NORMAL),
        (HeUniform(negative_slope=0.0), math.sqrt(2 / (64 * 9)), UNIFORM),
        (HeUniform(negative_slope=0.2), math.sqrt(2 / 1.04 / (64 * 9)), UNIFORM),
    ],
)
def test_weights_have_the_formula_s_deviation_and_form(initialization, expected, fourth):
    torch.manual_seed(0)
    layer = nn.Conv2d(64, 96, 3)
    initialization(layer)
    assert layer.weight.mean().item() == pytest.approx(0, abs=expected / 50)
    assert layer.weight.std().item() == pytest.approx(expected, rel=0.02)
    assert kurtosis(layer.weight.detach()) == pytest.approx(fourth, rel=0.05)
    assert not layer.bias.any()


@pytest.mark.parametrize(
    ("ours", "torch_s"),
    [
        (XavierUniform(gain=1.7), lambda w: nn.init.xavier_uniform_(w, gain=1.7)),
        (HeUniform(negative_slope=0.2), lambda w: nn.init.kaiming_uniform_(w, a=0.2)),
    ],
)
def test_uniform_bounds_are_those_of_torch(ours, torch_s):
    torch.manual_seed(0)
    layer = nn.Linear(300, 200)
    ours(layer)
    reference = torch_s(torch.empty(200, 300))
    assert layer.weight.abs().max().item() == pytest.approx(reference.abs().max().item(), rel=1e-3)


@pytest.mark.parametrize(
    ("layer", "fan_in", "fan_out"),
    [
        (nn.Linear(5, 7), 5, 7),
        (nn.Conv2d(5, 7, 3), 45, 63),
        (nn.Conv2d(6, 8, 3, groups=2), 27, 36),
        (nn.Conv2d(5, 7, 4, stride=2), 80, 28),
        (nn.ConvTranspose2d(5, 7, 4, stride=2), 20, 112),
    ],
)
def test_fans_count_what_is_summed_and_what_is_fed(layer, fan_in, fan_out):
    assert fans(layer) == (fan_in, fan_out)


def test_fans_agree_with_counting_by_ones():
    # With unit weights and inputs an output counts its summands, a gradient what it feeds.
    for layer in (nn.Conv2d(3, 5, 4, 2, 1), nn.ConvTranspose2d(3, 5, 4, 2, 1)):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
        features = torch.ones(1, 3, 16, 16, requires_grad=True)
        output = layer(features)
        output.sum().backward()
        middle = output.shape[-1] // 2
        assert fans(layer) == (output[0, 0, middle, middle], features.grad[0, 0, 8, 8])


def test_he_keeps_the_scale_of_activations_through_depth():
    torch.manual_seed(0)
    layers = [layer for _ in range(8) for layer in (nn.Linear(512, 512), nn.LeakyReLU(0.2))]
    network = nn.Sequential(*layers)
    HeNormal(negative_slope=0.2)(network)
    latents = torch.randn(256, 512)
    ratio = network(latents).square().mean() / latents.square().mean()
    assert 0.6 < ratio.item() < 1.6


def test_dcgan_draws_scales_about_one_and_zero_shifts():
    torch.manual_seed(0)
    for norm in (nn.BatchNorm1d(20000), nn.BatchNorm2d(20000), nn.GroupNorm(1, 20000)):
        nn.init.ones_(norm.bias)
        NormalInitialization(deviation=0.02)(nn.Sequential(norm))
        assert norm.weight.mean().item() == pytest.approx(1.0, abs=1e-3)
        assert norm.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not norm.bias.any()


@pytest.mark.parametrize("initialization", [XavierUniform(gain=1.0), HeNormal(negative_slope=0.0)])
def test_others_leave_scales_at_one(initialization):
    norm = nn.BatchNorm2d(8)
    nn.init.normal_(norm.weight)
    initialization(norm)
    assert torch.equal(norm.weight, torch.ones(8))


def test_norms_without_scale_or_shift_and_layers_without_bias_are_passed_over():
    network = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.InstanceNorm2d(2, affine=False))
    NormalInitialization(deviation=0.02)(network)
    assert [name for name, _ in network.named_parameters()] == ["0.weight"]


def test_spectral_weights_are_drawn_below_the_parametrisation():
    torch.manual_seed(0)
    layer = spectral_norm(nn.Conv2d(64, 96, 3))
    NormalInitialization(deviation=5.0)(layer)
    original = layer.parametrizations.weight.original
    assert original.std().item() == pytest.approx(5.0, rel=0.02)
    assert isinstance(original, nn.Parameter)
    assert [name for name, _ in layer.named_parameters()] == [
        "bias",
        "parametrizations.weight.original",
    ]


def test_spectral_estimate_fits_the_new_weights_at_once():
    torch.manual_seed(0)
    layer = spectral_norm(nn.Linear(40, 30))
    XavierUniform(gain=1.0)(layer)
    layer.eval()
    assert torch.linalg.svdvals(layer.weight.detach())[0].item() == pytest.approx(1.0, abs=0.05)


def test_same_seed_same_weights_and_two_seeds_differ():
    network = nn.Linear(4, 4)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        HeUniform(negative_slope=0.2)(network)
        drawn.append(copy.deepcopy(network.weight))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: NormalInitialization(deviation=0.0), "deviation must be a positive number"),
        (lambda: XavierUniform(gain=-1.0), "gain must be a positive number, not -1.0"),
        (lambda: HeNormal(negative_slope=-0.1), "negative_slope must be zero or a positive"),
        (lambda: HeUniform(negative_slope=math.nan), "negative_slope must be zero or a positive"),
    ],
)
def test_wrong_numbers_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
