import copy
import io
import pickle
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call

from ganzoo.errors import InputError
from ganzoo.networks.conditional_batch_norm import (
    ConditionalBatchLayer,
    ConditionalBatchNorm,
    ConditionalNormGenerator,
    labels_of,
)
from ganzoo.networks.dcgan import DCGANGenerator
from ganzoo.networks.initialization import HeUniform, NormalInitialization, XavierUniform
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.networks.normalization import BatchNorm
from ganzoo.networks.resnet import ResNetGenerator

EPS, MOMENTUM = 1e-5, 0.1
ALL = {"latent_dim": 5, "width": 8, "initialization": HeUniform(negative_slope=0.2)}
NETWORKS = {
    "mlp": partial(MLPGenerator, shape=[2], depth=2, negative_slope=0.2, **ALL),
    "dcgan": partial(DCGANGenerator, shape=[1, 8, 8], **ALL),
    "resnet": partial(
        ResNetGenerator,
        shape=[3, 32, 32],
        residual_initialization=XavierUniform(gain=1.0),
        **ALL,
    ),
}
EVERY_NETWORK = pytest.mark.parametrize("name", NETWORKS)
LAYERS = pytest.mark.parametrize(("dimensions", "shape"), [(0, []), (2, [3, 3])])


def conditional(num_classes=3):
    return ConditionalBatchNorm(num_classes=num_classes, eps=EPS, momentum=MOMENTUM)


def generator_of(name, num_classes=3, **changes):
    torch.manual_seed(0)
    network = partial(NETWORKS[name], **changes)
    return ConditionalNormGenerator(network=network, normalization=conditional(num_classes))


def layers_of(network):
    return [module for module in network.modules() if isinstance(module, ConditionalBatchLayer)]


def distinct(generator):
    """The same generator with scales and shifts that differ from class to class."""
    torch.manual_seed(1)
    with torch.no_grad():
        for layer in layers_of(generator):
            nn.init.normal_(layer.scale, mean=1, std=0.5)
            nn.init.normal_(layer.shift, std=0.5)
    return generator


def batch(count=6):
    torch.manual_seed(2)
    return torch.randn(count, 5), torch.arange(count) % 3


@LAYERS
def test_values_are_those_of_the_batch_s_statistics_and_each_class_s_numbers(dimensions, shape):
    torch.manual_seed(0)
    layer = conditional().activations(4, dimensions).double()
    nn.init.normal_(layer.scale)
    nn.init.normal_(layer.shift)
    features = 3 * torch.randn(6, 4, *shape, dtype=torch.float64) - 2
    labels = torch.tensor([2, 0, 0, 1, 2, 2])
    with labels_of(layer, labels):
        found = layer(features)
    for sample, label in enumerate(labels.tolist()):
        for channel in range(4):
            all_of_it = features[:, channel]
            deviation = (all_of_it.var(correction=0) + EPS).sqrt()
            normalised = (features[sample, channel] - all_of_it.mean()) / deviation
            expected = layer.scale[label, channel] * normalised + layer.shift[label, channel]
            torch.testing.assert_close(found[sample, channel], expected)


@EVERY_NETWORK
def test_with_one_class_it_is_plain_batch_normalisation(name):
    generator = generator_of(name, num_classes=1)
    torch.manual_seed(0)
    plain = NETWORKS[name](normalization=BatchNorm(eps=EPS, momentum=MOMENTUM))
    latents, labels = torch.randn(6, 5), torch.zeros(6, dtype=torch.int64)
    torch.testing.assert_close(generator(latents, labels), plain(latents))
    for network in (generator, plain):
        network.eval()
    torch.testing.assert_close(generator(latents, labels), plain(latents))
    assert not torch.allclose(plain(latents), plain.train()(latents))


@EVERY_NETWORK
def test_all_classes_begin_alike_and_can_become_different(name):
    generator, (latents, labels) = generator_of(name), batch()
    first, others = generator(latents, labels), (labels + 1) % 3
    assert torch.equal(generator(latents, others), first)
    distinct(generator)
    data = generator(latents, labels)
    assert data.shape == first.shape
    assert not torch.allclose(generator(latents, others), data)


@EVERY_NETWORK
def test_a_batch_in_another_order_has_data_in_that_order(name):
    generator, (latents, labels) = distinct(generator_of(name)), batch()
    order = torch.tensor([4, 2, 0, 5, 3, 1])
    expected = generator(latents, labels)[order]
    torch.testing.assert_close(
        generator(latents[order], labels[order]), expected, atol=1e-4, rtol=1e-4
    )


@EVERY_NETWORK
def test_in_evaluation_a_sample_depends_on_its_own_label_alone(name):
    generator, (latents, labels) = distinct(generator_of(name)).eval(), batch()
    expected = generator(latents, labels)
    alone = [generator(latents[[index]], labels[[index]]) for index in range(6)]
    torch.testing.assert_close(torch.cat(alone), expected, atol=1e-5, rtol=1e-4)


@EVERY_NETWORK
def test_gradients_reach_all_parameters_and_only_those_of_classes_in_the_batch(name):
    generator, (latents, _) = distinct(generator_of(name)), batch()
    generator(latents, torch.tensor([0, 2, 0, 2, 2, 0])).square().sum().backward()
    assert all(value.grad.abs().max() > 0 for value in generator.parameters())
    for layer in layers_of(generator):
        for parameter in (layer.scale, layer.shift):
            used = parameter.grad.abs().amax(dim=1) > 0
            assert used.tolist() == [True, False, True]


@LAYERS
def test_gradients_of_gradients_are_those_of_finite_differences(dimensions, shape):
    torch.manual_seed(0)
    layer = conditional().activations(2, dimensions).double()
    labels = torch.tensor([0, 2, 2, 1])

    def normalised(features, scale, shift):
        with labels_of(layer, labels):
            return functional_call(layer, {"scale": scale, "shift": shift}, (features,))

    sizes = [(4, 2, *shape), (3, 2), (3, 2)]
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in sizes]
    assert torch.autograd.gradcheck(normalised, inputs)
    assert torch.autograd.gradgradcheck(normalised, inputs)


@pytest.mark.parametrize(
    "initialization", [NormalInitialization(deviation=0.02), XavierUniform(gain=1.0)]
)
@EVERY_NETWORK
def test_scales_begin_at_one_and_shifts_at_zero(name, initialization):
    layers = layers_of(generator_of(name, initialization=initialization))
    assert layers
    for layer in layers:
        assert layer.scale.eq(1).all()
        assert layer.shift.eq(0).all()
        assert layer.scale.shape == layer.shift.shape == (3, layer.statistics.num_features)


def test_statistics_move_as_those_of_batch_normalisation():
    layer, features = conditional().activations(4, 2), 2 * torch.randn(5, 4, 3, 3) + 1
    with labels_of(layer, torch.arange(5) % 3):
        layer(features)
    mean, variance = features.mean((0, 2, 3)), features.var((0, 2, 3))
    torch.testing.assert_close(layer.statistics.running_mean, MOMENTUM * mean)
    expected = (1 - MOMENTUM) + MOMENTUM * variance
    torch.testing.assert_close(layer.statistics.running_var, expected)


def test_no_layer_keeps_a_batch_s_labels():
    generator, (latents, labels) = generator_of("mlp"), batch()

    def fail(module, inputs):
        raise RuntimeError

    generator(latents, labels)
    assert all(layer.labels is None for layer in layers_of(generator))
    last = generator.network.layers[-1]
    with last.register_forward_pre_hook(fail), pytest.raises(RuntimeError):
        generator(latents, labels)
    assert all(layer.labels is None for layer in layers_of(generator))


def test_copies_are_independent():
    generator, (latents, labels) = distinct(generator_of("dcgan")).eval(), batch()
    expected = generator(latents, labels)
    for twin in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        assert torch.equal(twin(latents, labels), expected)
        with torch.no_grad():
            layers_of(twin)[0].scale.zero_()
        assert not torch.allclose(twin(latents, labels), expected)
        assert torch.equal(generator(latents, labels), expected)


def test_weights_alone_are_the_whole_state():
    generator, (latents, labels) = distinct(generator_of("dcgan")), batch()
    generator(latents, labels)
    file = io.BytesIO()
    torch.save(generator.state_dict(), file)
    file.seek(0)
    other = generator_of("dcgan")
    other.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(other.eval()(latents, labels), generator.eval()(latents, labels))


def test_functional_calls_use_the_tensors_they_are_given():
    generator, (latents, labels) = distinct(generator_of("mlp")).eval(), batch()
    expected = generator(latents, labels)
    state = {name: value.clone() for name, value in generator.state_dict().items()}
    assert torch.equal(functional_call(generator, state, (latents, labels)), expected)
    first = next(name for name in state if name.endswith("shift"))
    state[first] += 1
    assert not torch.allclose(functional_call(generator, state, (latents, labels)), expected)
    assert torch.equal(generator(latents, labels), expected)


def test_statistics_can_be_shared_by_processes():
    """Lightning's sync_batchnorm replaces torch's layers; scales and shifts are not among them."""
    generator, (latents, labels) = distinct(generator_of("dcgan")), batch()
    shared = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(generator))
    for mine, theirs in zip(layers_of(shared), layers_of(generator), strict=True):
        assert isinstance(mine.statistics, nn.SyncBatchNorm)
        assert torch.equal(mine.scale, theirs.scale)
    torch.testing.assert_close(shared.eval()(latents, labels), generator.eval()(latents, labels))


def test_networks_compile_without_a_graph_break():
    for name in NETWORKS:
        generator, (latents, labels) = distinct(generator_of(name)).eval(), batch()
        compiled = torch.compile(generator, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(latents, labels), generator(latents, labels))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_its_type(dtype):
    layer, features = conditional().activations(4, 2), torch.randn(5, 4, 3, 3)
    with labels_of(layer, torch.arange(5) % 3):
        expected, found = layer(features), layer(features.to(dtype))
    assert found.dtype == dtype
    torch.testing.assert_close(found.float(), expected, atol=0.03, rtol=0.03)


@pytest.mark.parametrize("label", [-1, 3, 100])
def test_a_label_out_of_range_is_refused_in_one_line(label):
    generator, (latents, _) = generator_of("mlp"), batch(2)
    message = f"label {label} is out of range: 3 classes have labels 0 to 2"
    with pytest.raises(InputError, match=message) as error:
        generator(latents, torch.tensor([0, label]))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: conditional(num_classes=None), "needs a data set with classes"),
        (lambda: conditional(num_classes=0), "num_classes must be a whole number from 1 up"),
        (
            lambda: ConditionalBatchNorm(num_classes=3, eps=0.0, momentum=0.1),
            "eps must be a positive number",
        ),
        (
            lambda: ConditionalBatchNorm(num_classes=3, eps=1e-5, momentum=1.5),
            "momentum of batch normalization is at most 1",
        ),
        (
            lambda: generator_of("mlp").network(torch.randn(2, 5)),
            "was not told the labels: call the network through its ConditionalNormGenerator",
        ),
        (
            lambda: generator_of("mlp")(torch.randn(2, 9), torch.arange(2)),
            r"MLPGenerator was built for batches \[B, 5\], not \[2, 9\]",
        ),
        (
            lambda: ConditionalNormGenerator(
                network=lambda normalization: nn.Linear(5, 2), normalization=conditional()
            ),
            "no layer of Linear is normalised, .* choose network.conditioning=concatenation",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
