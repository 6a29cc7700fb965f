"""Modulated convolutions against weights that are scaled sample by sample, and the synthesis."""

from functools import partial

import pytest
import torch
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.equalized import same_size_convolution
from ganzoo.networks.resampling import low_pass, upsample, upsampling_convolution
from ganzoo.networks.shapes import Levels
from ganzoo.networks.style_layers import ToImage, demodulation, modulated_convolution
from ganzoo.networks.style_synthesis import StyleSynthesis

NUMBERS = {
    "channels": 2,
    "levels": Levels(2, (3, 4)),
    "style_dim": 5,
    "width": 4,
    "max_width": 12,
    "taps": [1, 3, 3, 1],
    "negative_slope": 0.2,
    "clamp": 256.0,
}


def synthesis(**changes):
    torch.manual_seed(0)
    network = StyleSynthesis(**NUMBERS | changes)
    with torch.no_grad():
        for layer in network.layers:
            layer.noise_strength.fill_(0.5)
            layer.bias.normal_()
    return network


@pytest.fixture
def styles():
    return torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(1))


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize("doubles", [False, True])
def test_each_sample_has_its_own_normalised_weights(doubles):
    """Equations 1 and 3 of the paper, one sample after another."""
    features, weight, scales = numbers(3, 4, 6, 6), numbers(5, 4, 3, 3), numbers(3, 4)
    kernel = low_pass([1, 3, 3, 1]).double()
    convolution = (
        partial(upsampling_convolution, kernel=kernel) if doubles else same_size_convolution
    )
    found = modulated_convolution(features, weight, scales, convolution)
    for sample, (one, scale) in enumerate(zip(features, scales, strict=True)):
        scaled = weight * scale[None, :, None, None]
        normal = scaled / (scaled.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        torch.testing.assert_close(found[sample], convolution(one[None], normal)[0])


def test_the_gradient_by_scales_is_that_of_the_function():
    features, weight = numbers(2, 3, 4, 4), numbers(2, 3, 3, 3)
    scales = numbers(2, 3).requires_grad_()

    def run(scales):
        return modulated_convolution(features, weight, scales, same_size_convolution)

    assert torch.autograd.gradcheck(run, (scales,))
    assert torch.autograd.gradgradcheck(run, (scales,))


def test_outputs_have_the_variance_of_inputs_whatever_weights_and_scales():
    features = numbers(1, 64, 64, 64)
    outcome = modulated_convolution(
        features, 9 * numbers(8, 64, 3, 3), 50 * numbers(1, 64), same_size_convolution
    )
    assert outcome[..., 1:-1, 1:-1].var().item() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_holds_large_weights_scales_and_features(dtype):
    """A plain product of these is far beyond 65504, where float16 ends."""
    features, weight, scales = 200 * numbers(2, 64, 4, 4), 4 * numbers(8, 64, 3, 3), numbers(2, 64)
    wanted = modulated_convolution(features, weight, 40 * scales, same_size_convolution)
    with torch.autocast("cpu", dtype=dtype):
        found = modulated_convolution(
            features.to(dtype), weight.float(), 40 * scales.float(), same_size_convolution
        )
        norms = demodulation(weight.float(), 1e3 * scales.float())
    assert found.dtype == dtype and norms.dtype == torch.float32
    assert norms.gt(0).all()
    assert (found.double() - wanted).abs().max() < 0.02 * wanted.abs().max()


def test_images_of_all_sizes_are_added_up(styles):
    network = synthesis()
    seen = []
    for layer in network.to_images:
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output))
    image = network(styles)
    assert [part.shape[2:] for part in seen] == [(3, 4), (6, 8), (12, 16)]
    total = upsample(upsample(seen[0], network.kernel) + seen[1], network.kernel) + seen[2]
    torch.testing.assert_close(image, total)
    assert image.shape == (3, 2, 12, 16)


def test_widths_double_towards_the_first_maps_up_to_the_most():
    network = synthesis()
    assert network.constant.shape == (12, 3, 4)
    assert [layer.weight.shape[0] for layer in network.layers] == [12, 8, 8, 4, 4]


def test_each_style_is_of_a_convolution_and_of_the_image_before_it(styles):
    """The first layer and the first image that a change of each style changes."""
    network = synthesis()
    layers, images = outputs_of(network, styles)
    first = {}
    for index in range(network.num_styles):
        changed = styles.clone()
        changed[:, index] += 1
        pairs = zip((layers, images), outputs_of(network, changed), strict=True)
        first[index] = [first_difference(before, after) for before, after in pairs]
    assert first == {0: [0, 0], 1: [1, 0], 2: [2, 1], 3: [3, 1], 4: [4, 2], 5: [None, 2]}


def outputs_of(network, styles):
    """What the layers return, and what the layers of images do, without noise."""
    seen = [], []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output, of=of: of.append(output))
        for modules, of in zip((network.layers, network.to_images), seen, strict=True)
        for module in modules
    ]
    network(styles, noise=no_noise)
    for hook in hooks:
        hook.remove()
    return seen


def first_difference(before, after):
    moved = [not torch.equal(*pair) for pair in zip(before, after, strict=True)]
    return moved.index(True) if any(moved) else None


def test_noise_is_added_before_the_bias_by_the_strength_of_each_layer(styles):
    network = synthesis()
    layer = network.layers[0]
    features, drawn = torch.randn(3, 12, 3, 4), torch.randn(3, 1, 3, 4)
    found = layer(features, styles[:, 0], same_size_convolution, lambda features: drawn)
    plain = modulated_convolution(
        features, layer.weight, layer.affine(styles[:, 0]), same_size_convolution
    )
    by_hand = functional.leaky_relu(plain + 0.5 * drawn + layer.bias[:, None, None], 0.2) * 2**0.5
    torch.testing.assert_close(found, by_hand)


def test_fresh_noise_is_of_torch_s_state_and_given_noise_is_not(styles):
    network = synthesis()
    torch.manual_seed(3)
    first, second = network(styles), network(styles)
    torch.manual_seed(3)
    assert torch.equal(network(styles), first) and not torch.equal(first, second)
    shapes = []

    def noise(features):
        shapes.append(tuple(features.shape[2:]))
        return torch.zeros_like(features[:, :1])

    state = torch.get_rng_state()
    network(styles, noise=noise)
    assert torch.equal(torch.get_rng_state(), state)
    assert shapes == [(3, 4), (6, 8), (6, 8), (12, 16), (12, 16)]


def test_without_strength_there_is_no_noise(styles):
    torch.manual_seed(0)
    network = StyleSynthesis(**NUMBERS)
    assert torch.equal(network(styles), network(styles))


def test_layers_are_clamped(styles):
    bounded, free = synthesis(clamp=0.1), synthesis(clamp=None)
    for network in (bounded, free):
        with torch.no_grad():
            features = network.layers[0](
                torch.randn(3, 12, 3, 4), styles[:, 0], same_size_convolution, no_noise
            )
            image = network.to_images[0](features, styles[:, 1])
        assert (features.abs().max() <= 0.1).item() == (network is bounded)
        assert (image.abs().max() <= 0.1).item() == (network is bounded)


def no_noise(features):
    return torch.zeros_like(features[:, :1])


def test_an_image_is_not_demodulated():
    layer = ToImage(5, 16, 2, clamp=None)
    features, style = torch.randn(3, 16, 4, 4), torch.randn(3, 5)
    scales = (style @ layer.affine.weight.T / 5**0.5 + layer.affine.bias) / 4
    by_hand = torch.einsum("bihw,oi,bi->bohw", features, layer.weight[:, :, 0, 0], scales)
    torch.testing.assert_close(layer(features, style), by_hand)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": 0}, "width must be"),
        ({"max_width": 0}, "max_width must be"),
        ({"clamp": 0.0}, "clamp must be a positive number"),
        ({"negative_slope": -0.1}, "negative_slope must be"),
    ],
)
def test_what_cannot_be_built(changes, said):
    with pytest.raises(InputError, match=said):
        synthesis(**changes)
