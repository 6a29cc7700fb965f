import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import MinibatchStandardDeviation, NoBatchStatistics
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.initialization import HeUniform, XavierUniform
from ganzoo.networks.mlp import MLPDiscriminator
from ganzoo.networks.normalization import NoNorm, SpectralNorm
from ganzoo.networks.projection import ProjectionDiscriminator
from ganzoo.networks.resnet import ResNetDiscriminator

ALL = {
    "width": 8,
    "initialization": HeUniform(negative_slope=0.2),
    "normalization": NoNorm(),
    "batch_statistics": NoBatchStatistics(),
}
SLOPE = {"negative_slope": 0.2}
RESIDUAL = {"residual_initialization": XavierUniform(gain=1.0)}
FAMILIES = {
    "mlp": ([2], partial(MLPDiscriminator, shape=[2], depth=2, **ALL, **SLOPE)),
    "dcgan": ([1, 8, 8], partial(DCGANDiscriminator, shape=[1, 8, 8], **ALL, **SLOPE)),
    "resnet": ([3, 32, 32], partial(ResNetDiscriminator, shape=[3, 32, 32], **ALL, **RESIDUAL)),
}
EVERY_FAMILY = pytest.mark.parametrize("name", FAMILIES)


def discriminator_of(name, num_classes=3, **changes):
    torch.manual_seed(0)
    network = partial(FAMILIES[name][1], **changes)
    return ProjectionDiscriminator(network=network, num_classes=num_classes)


def batch(name, count=5):
    torch.manual_seed(1)
    return torch.randn(count, *FAMILIES[name][0]), torch.arange(count) % 3


def last_layer(network):
    return [module for module in network.modules() if isinstance(module, nn.Linear)][-1]


def features_of(network, data):
    """What enters the last layer, and that layer."""
    layer, seen = last_layer(network), []
    with layer.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs)):
        network(data)
    return seen[0], layer


CHOICES = pytest.mark.parametrize(
    "changes",
    [
        {},
        {"normalization": SpectralNorm(power_iterations=1)},
        {"batch_statistics": MinibatchStandardDeviation(group_size=5, eps=1e-8)},
    ],
    ids=["plain", "spectral", "batch_statistics"],
)


@CHOICES
@EVERY_FAMILY
def test_logits_are_equation_3_written_out(name, changes):
    discriminator, (data, labels) = discriminator_of(name, **changes).eval(), batch(name)
    nn.init.normal_(last_layer(discriminator).bias)
    features, layer = features_of(discriminator.network, data)
    for sample, label in enumerate(labels.tolist()):
        phi, vector = features[sample], layer.weight[1 + label]
        psi = layer.weight[0] @ phi + layer.bias[0]
        expected = vector @ phi + layer.bias[1 + label] + psi
        torch.testing.assert_close(
            discriminator(data, labels)[sample], expected, atol=1e-4, rtol=1e-4
        )
    assert discriminator(data, labels).shape == (5,)


@EVERY_FAMILY
def test_the_difference_of_two_labels_is_the_product_with_the_vectors_difference(name):
    discriminator, (data, _) = discriminator_of(name), batch(name)
    first, second = (torch.full((5,), label) for label in (0, 2))
    found = discriminator(data, first) - discriminator(data, second)
    features, layer = features_of(discriminator.network, data)
    expected = features @ (layer.weight[1] - layer.weight[3])
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert found.abs().min() > 0


@EVERY_FAMILY
def test_a_batch_in_another_order_has_logits_in_that_order(name):
    discriminator, (data, labels) = discriminator_of(name), batch(name)
    order = torch.tensor([3, 1, 4, 0, 2])
    expected = discriminator(data, labels)[order]
    torch.testing.assert_close(discriminator(data[order], labels[order]), expected)


@EVERY_FAMILY
def test_each_vector_is_taught_by_its_class_alone(name):
    discriminator, (data, _) = discriminator_of(name), batch(name)
    labels = torch.tensor([2, 0, 2, 2, 0])
    discriminator(data, labels).sum().backward()
    assert all(value.grad.abs().max() > 0 for value in discriminator.parameters())
    features, layer = features_of(discriminator.network, data)
    expected = [features.sum(0), *(features[labels == label].sum(0) for label in range(3))]
    torch.testing.assert_close(layer.weight.grad, torch.stack(expected))
    assert layer.bias.grad.tolist() == [5, 2, 0, 3]


def test_gradients_of_gradients_are_those_of_finite_differences():
    discriminator, (data, labels) = discriminator_of("mlp").double(), batch("mlp")
    data = data.double().requires_grad_()
    assert torch.autograd.gradcheck(discriminator, (data, labels))
    assert torch.autograd.gradgradcheck(discriminator, (data, labels))


def test_the_gradient_with_respect_to_data_can_be_penalised():
    discriminator, (data, labels) = discriminator_of("dcgan"), batch("dcgan")
    data.requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(data, labels).sum(), data, create_graph=True)
    gradient.square().sum().backward()
    weights = last_layer(discriminator).weight.grad
    assert weights.abs().amax(dim=1).gt(0).all()


def test_one_label_is_that_of_all():
    discriminator, (data, _) = discriminator_of("mlp"), batch("mlp")
    expected = discriminator(data, torch.full((5,), 2))
    assert torch.equal(discriminator(data, torch.tensor([2])), expected)


def test_copies_state_dicts_and_functional_calls_give_the_same_logits():
    discriminator, (data, labels) = discriminator_of("dcgan"), batch("dcgan")
    expected = discriminator(data, labels)
    assert torch.equal(copy.deepcopy(discriminator)(data, labels), expected)
    state = {name: value.clone() for name, value in discriminator.state_dict().items()}
    torch.testing.assert_close(functional_call(discriminator, state, (data, labels)), expected)


def test_networks_compile_without_a_graph_break():
    for name in FAMILIES:
        discriminator, inputs = discriminator_of(name), batch(name)
        compiled = torch.compile(discriminator, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(*inputs), discriminator(*inputs))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: discriminator_of("mlp", num_classes=None), "needs a data set with classes"),
        (lambda: discriminator_of("mlp", num_classes=0), "num_classes must be a whole number"),
        (
            lambda: discriminator_of("mlp")(torch.randn(2, 2), torch.tensor([0, 3])),
            "label 3 is out of range: 3 classes have labels 0 to 2",
        ),
        (
            lambda: discriminator_of("mlp")(torch.randn(2, 5), torch.arange(2)),
            r"MLPDiscriminator was built for batches \[B, 2\], not \[2, 5\]",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
