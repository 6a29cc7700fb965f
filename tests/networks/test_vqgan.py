import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.networks.vqgan import VQGANDecoder, VQGANEncoder
from ganzoo.networks.vqgan_blocks import Downsample, SpatialAttention, upsampling_layer

SMALL = {
    "shape": [3, 8, 8],
    "width": 8,
    "multipliers": [1, 2],
    "blocks": 1,
    "attention_sizes": [],
    "z_channels": 5,
    "code_dim": 6,
    "groups": 4,
}
# What the authors' code returns for weights and inputs by the formulas below, in float64: the sum,
# the sum of squares, and the sum of entries times (k + 1) / n, of the encoder and of the decoder.
AUTHORS = [
    (
        {"shape": [3, 8, 8], "multipliers": [1, 2], "blocks": 1, "attention_sizes": [4]},
        {"z_channels": 5, "code_dim": 6},
        (13.829477229455321, 5.0016949107588475, 3.434929351755211),
        (18.38172414563392, 5.2462578244801605, 8.175052601890226),
    ),
    (
        {"shape": [1, 12, 12], "multipliers": [1, 1, 2], "blocks": 2, "attention_sizes": [12, 6]},
        {"z_channels": 4, "code_dim": 3},
        (-3.327509030387589, 1.2370922044407378, -2.728757206303383),
        (11.719123291914602, 0.6444085993583798, 5.631758870272334),
    ),
]


def encoder(**changes):
    return VQGANEncoder(**SMALL | changes)


def decoder(**changes):
    return VQGANDecoder(**SMALL | changes)


def parameters(network):
    return sum(value.numel() for value in network.parameters())


def count(network, kind):
    return sum(isinstance(module, kind) for module in network.modules())


@torch.no_grad()
def with_known_weights(network):
    for number, value in enumerate(network.double().parameters()):
        places = torch.arange(value.numel(), dtype=torch.float64)
        value.copy_((0.2 * torch.cos(0.37 * places + number)).view(value.shape))
    return network


def waves(frequency, *shape):
    return torch.sin(frequency * torch.arange(torch.Size(shape).numel()).double()).view(shape)


def sums(values):
    entries = values.detach().flatten()
    places = torch.arange(1, len(entries) + 1, dtype=torch.float64) / len(entries)
    return [entries.sum().item(), entries.square().sum().item(), (entries * places).sum().item()]


@pytest.mark.parametrize(("settings", "channels", "of_encoder", "of_decoder"), AUTHORS)
def test_outputs_are_those_of_the_authors_code(settings, channels, of_encoder, of_decoder):
    options = {**settings, **channels, "width": 32, "groups": 32}
    network = with_known_weights(encoder(**options))
    codes = network(waves(0.11, 2, *settings["shape"]))
    assert codes.shape[1:] == network.code_shape
    assert sums(codes) == pytest.approx(of_encoder, rel=1e-9)
    images = with_known_weights(decoder(**options))(waves(0.13, 2, *network.code_shape))
    assert sums(images) == pytest.approx(of_decoder, rel=1e-9)


def test_parameters_of_the_paper_s_model_of_factor_16():
    """As many as in the authors' code, with the 1x1 convolutions on either side of the codes."""
    paper = {
        "shape": [3, 256, 256],
        "width": 128,
        "multipliers": [1, 1, 2, 2, 4],
        "blocks": 2,
        "attention_sizes": [16],
        "z_channels": 256,
        "code_dim": 256,
        "groups": 32,
    }
    with torch.device("meta"):
        networks = VQGANEncoder(**paper), VQGANDecoder(**paper)
    assert [parameters(network) for network in networks] == [29_363_968, 42_515_587]
    assert networks[0].code_shape == (256, 16, 16)
    assert [count(network, SpatialAttention) for network in networks] == [3, 4]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (2, 32, 12), (5, 4, 20)])
@pytest.mark.parametrize("multipliers", [[1], [2, 1], [1, 2, 3]])
def test_shapes_of_codes_and_images(shape, multipliers):
    options = {"shape": list(shape), "multipliers": multipliers}
    network, factor = encoder(**options), 2 ** (len(multipliers) - 1)
    codes = network(torch.randn(2, *shape))
    assert network.factor == factor
    assert network.code_shape == (6, shape[1] // factor, shape[2] // factor)
    assert codes.shape == (2, *network.code_shape)
    assert decoder(**options)(codes).shape == (2, *shape)


def test_attention_stands_where_it_is_chosen_and_at_the_smallest_maps():
    shape = {"shape": [1, 16, 32], "multipliers": [1, 2, 2], "blocks": 2}
    for sizes, found in (([], (1, 1)), ([4], (3, 4)), ([16, 8], (5, 7)), ([32], (1, 1))):
        options = shape | {"attention_sizes": sizes}
        networks = encoder(**options), decoder(**options)
        assert tuple(count(network, SpatialAttention) for network in networks) == found


def test_images_of_other_sizes_are_taken():
    codes = encoder()(torch.randn(1, 3, 12, 20))
    assert codes.shape == (1, 6, 6, 10)
    assert decoder()(codes).shape == (1, 3, 12, 20)


def test_every_parameter_has_a_gradient_and_the_last_layer_is_the_decoder_s():
    first, last = encoder(), decoder()
    images = last(first(torch.randn(2, 3, 8, 8)))
    images.square().sum().backward()
    for network in (first, last):
        # A bias before a softmax over places moves all its logits by one number.
        named = {n: p for n, p in network.named_parameters() if not n.endswith("key.bias")}
        assert all(value.grad.abs().max() > 0 for value in named.values())
    assert last.last_layer is dict(last.named_parameters())[list(last.state_dict())[-2]]
    assert last.last_layer.shape == (3, 8, 3, 3)
    with torch.no_grad():
        last.last_layer.zero_()
    flat = last(torch.randn(1, 6, 4, 4))
    assert torch.equal(flat, flat[:, :, :1, :1].expand_as(flat)), "what is left is its bias"


def test_dropout_acts_in_training_alone():
    network = encoder(dropout=0.5)
    assert count(network, nn.Dropout) == 4
    images = torch.randn(1, 3, 8, 8)
    assert not torch.equal(network(images), network(images))
    assert torch.equal(network.eval()(images), network(images))
    assert count(encoder(dropout=0.0), nn.Dropout) == 0


def test_halving_pads_below_and_at_the_right():
    layer = Downsample(1)
    with torch.no_grad():
        layer.convolution.weight.fill_(1)
        layer.convolution.bias.zero_()
    image = torch.ones(1, 1, 4, 4)
    # 3x3 places from each even place on, of which the last row and column are outside.
    assert layer(image)[0, 0].tolist() == [[9, 6], [6, 4]]


def test_doubling_repeats_before_it_convolves():
    layer = upsampling_layer(1)
    features = torch.randn(1, 1, 2, 3)
    repeated = features.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(layer(features), layer[1](repeated))


def test_attention_is_a_weighted_mean_over_places():
    layer = SpatialAttention(3).double()
    features = torch.randn(2, 3, 2, 5, dtype=torch.float64)
    rows = [
        functional.conv2d(features, part.weight, part.bias).flatten(2)
        for part in (layer.query, layer.key, layer.value)
    ]
    weights = torch.einsum("bcq,bck->bqk", rows[0], rows[1]).div(3**0.5).softmax(dim=2)
    means = torch.einsum("bqk,bck->bcq", weights, rows[2]).view(features.shape)
    torch.testing.assert_close(layer(features), layer.output(means))


def test_attention_does_not_know_where_places_are():
    layer, features = SpatialAttention(4), torch.randn(1, 4, 1, 6)
    order = torch.randperm(6)
    torch.testing.assert_close(layer(features)[..., order], layer(features[..., order]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": [3, 9, 8]}, r"divides height and width by 2, and 9x8 .*image_size=8"),
        ({"shape": [1, 30, 29], "multipliers": [1, 1, 1]}, r"by 4, .*image_size=\[32,28\]"),
        ({"shape": [2]}, "works on images, not points"),
        ({"multipliers": []}, "multipliers must have a number for each resolution"),
        ({"multipliers": [1, 0]}, "multipliers must be a whole number"),
        ({"width": 6}, "6 channels cannot be divided into 4 groups"),
        ({"blocks": 0}, "blocks must be"),
        ({"code_dim": 1.5}, "code_dim must be"),
        ({"groups": 0}, "groups must be"),
        ({"eps": 0.0}, "eps must be"),
        ({"dropout": 1.0}, "dropout must be"),
    ],
)
@pytest.mark.parametrize("network", [encoder, decoder])
def test_wrong_settings_are_refused_in_one_line(network, changes, message):
    with pytest.raises(InputError, match=message) as caught:
        network(**changes)
    assert "\n" not in str(caught.value)


def test_wrong_batches_are_refused_in_one_line():
    for images in ((2, 1, 8, 8), (2, 3, 8, 7), (3, 8, 8)):
        with pytest.raises(InputError, match=r"takes images \[B, 3, H, W\] with H and W multiples"):
            encoder()(torch.zeros(images))
    for codes in ((2, 5, 4, 4), (6, 4, 4)):
        with pytest.raises(InputError, match=r"takes codes \[B, 6, h, w\]"):
            decoder()(torch.zeros(codes))


@pytest.mark.parametrize("dataset", ["digits", "mnist", "cifar10"])
def test_the_parts_of_the_config_fit_together(dataset):
    config = compose_config(["network=vqgan", f"dataset={dataset}"])
    parts = build(config.network)
    images = torch.rand(2, *config.dataset.shape) * 2 - 1
    quantized = parts["quantizer"](parts["encoder"](images))
    assert quantized.codes.shape[1:] == parts["encoder"].code_shape
    assert parts["decoder"](quantized.codes).shape == images.shape
    assert parts["discriminator"](images).shape[:2] == (2, 1)


def test_a_copy_computes_the_same():
    network, images = encoder(), torch.randn(1, 3, 8, 8)
    assert torch.equal(copy.deepcopy(network)(images), network(images))
