import copy
import pickle
from functools import partial

import pytest
import torch
from torch import nn
from torch.func import functional_call

from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.networks.batch_statistics import MinibatchDiscrimination, NoBatchStatistics
from ganzoo.networks.conditional import LabelCodeGenerator
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.initialization import HeUniform, NormalInitialization, XavierUniform
from ganzoo.networks.label_codes import OneHotLabels
from ganzoo.networks.mlp import MLPDiscriminator, MLPGenerator
from ganzoo.networks.normalization import BatchNorm
from ganzoo.networks.resnet import ResNetDiscriminator, ResNetGenerator
from ganzoo.networks.virtual_batch import VirtualBatchLayer, VirtualBatchNorm
from ganzoo.penalties.features import last_hidden_features
from ganzoo.progress import Progress

SIZE = 4
VIRTUAL = VirtualBatchNorm(reference_size=SIZE, eps=1e-5)
ALL = {"width": 8, "initialization": HeUniform(negative_slope=0.2)}
SLOPE = {"negative_slope": 0.2}
JUDGED = {"outputs": 1, "batch_statistics": NoBatchStatistics()}
RESIDUAL = {"residual_initialization": XavierUniform(gain=1.0)}
NETWORKS = {
    "mlp_generator": (partial(MLPGenerator, latent_dim=5, shape=[2], depth=2, **SLOPE), [5]),
    "mlp_discriminator": (partial(MLPDiscriminator, shape=[2], depth=3, **SLOPE, **JUDGED), [2]),
    "dcgan_generator": (partial(DCGANGenerator, latent_dim=5, shape=[1, 8, 8]), [5]),
    "dcgan_discriminator": (
        partial(DCGANDiscriminator, shape=[1, 8, 8], **SLOPE, **JUDGED),
        [1, 8, 8],
    ),
    "resnet_generator": (
        partial(ResNetGenerator, latent_dim=5, shape=[3, 32, 32], **RESIDUAL),
        [5],
    ),
    "resnet_discriminator": (
        partial(ResNetDiscriminator, shape=[3, 32, 32], **JUDGED, **RESIDUAL),
        [3, 32, 32],
    ),
}
EVERY_NETWORK = pytest.mark.parametrize("name", NETWORKS)


def network_of(name, normalization=VIRTUAL, **changes):
    torch.manual_seed(0)
    return NETWORKS[name][0](**ALL | {"normalization": normalization} | changes)


def inputs_of(name, count, seed=1):
    shape = (count, *NETWORKS[name][1])
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def started(name, **changes):
    """A network that has chosen its reference batch."""
    network = network_of(name, **changes)
    network(inputs_of(name, 6))
    return network


@EVERY_NETWORK
def test_a_sample_s_output_does_not_depend_on_the_others_in_training_mode(name):
    network, data = started(name), inputs_of(name, 5, seed=2)
    assert network.training
    alone = torch.cat([network(data[[index]]) for index in range(5)])
    torch.testing.assert_close(network(data), alone, atol=1e-4, rtol=1e-4)
    tied = network_of(name, BatchNorm(eps=1e-5, momentum=0.1))
    assert not torch.allclose(tied(data)[:2], tied(torch.cat([data[:2], 3 * data[2:]]))[:2])


@EVERY_NETWORK
def test_evaluation_gives_the_outputs_of_training(name):
    network, data = started(name), inputs_of(name, 3, seed=2)
    torch.testing.assert_close(network(data), copy.deepcopy(network).eval()(data))


@EVERY_NETWORK
def test_gradients_reach_all_parameters(name):
    network = network_of(name)
    network(inputs_of(name, 6)).square().sum().backward()
    assert all(value.grad.abs().max() > 0 for value in network.parameters())


def by_hand(layer, reference, features):
    """Each sample among the reference batch, as one of R + 1: mean and mean of squares."""
    axes = (0, *range(2, features.dim()))
    outputs = []
    for sample in features:
        own = sample.flatten(1).mean(1) if sample.dim() > 1 else sample
        square = sample.square().flatten(1).mean(1) if sample.dim() > 1 else sample.square()
        mean = (len(reference) * reference.mean(axes) + own) / (len(reference) + 1)
        squares = len(reference) * reference.square().mean(axes) + square
        deviation = (squares / (len(reference) + 1) - mean**2 + layer.eps).sqrt()
        shape = (-1, *[1] * (sample.dim() - 1))
        normalised = (sample - mean.view(shape)) / deviation.view(shape)
        outputs.append(layer.weight.view(shape) * normalised + layer.bias.view(shape))
    return torch.stack(outputs)


@pytest.mark.parametrize(("dimensions", "shape"), [(0, []), (2, [5, 5])])
def test_values_are_those_of_all_statistics_written_out(dimensions, shape):
    torch.manual_seed(0)
    layer = VIRTUAL.activations(6, dimensions).double()
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    reference = 2 * torch.randn(SIZE, 6, *shape, dtype=torch.float64) + 1
    features = torch.randn(3, 6, *shape, dtype=torch.float64) - 1
    layer(reference)
    torch.testing.assert_close(layer(features), by_hand(layer, reference, features))


def test_the_reference_is_normalised_by_its_own_statistics():
    layer, reference = VIRTUAL.activations(6, 2), 3 * torch.randn(SIZE, 6, 5, 5) + 2
    output = layer(reference)
    assert output.mean((0, 2, 3)).abs().max() < 1e-5
    assert output.var((0, 2, 3), correction=0).tolist() == pytest.approx([1] * 6, rel=1e-4)


def test_a_network_s_function_is_the_one_written_with_matrices():
    network = started("mlp_generator", depth=1)
    first, layer, _, last = network.layers
    latents = inputs_of("mlp_generator", 3, seed=2)
    reference, hidden = network.reference @ first.weight.T, latents @ first.weight.T
    hidden = by_hand(layer, reference, hidden)
    expected = torch.maximum(hidden, 0.2 * hidden) @ last.weight.T + last.bias
    torch.testing.assert_close(network(latents), expected)


def test_a_bias_before_it_would_have_no_effect():
    assert VIRTUAL.replaces_bias
    layer, features, bias = VIRTUAL.activations(6, 2), torch.randn(7, 6, 5, 5), torch.ones(6, 1, 1)
    layer(features[:4])
    plain = layer(features[4:])
    layer(features[:4] + bias)
    torch.testing.assert_close(layer(features[4:] + bias), plain, atol=1e-5, rtol=1e-4)


@EVERY_NETWORK
def test_the_reference_is_the_first_rows_of_the_first_batch_in_training(name):
    network, first = network_of(name), inputs_of(name, 6)
    noise = network.reference.clone()
    network.eval()(first)
    assert torch.equal(network.reference, noise)
    assert not network.reference_chosen
    network.train()(first)
    assert torch.equal(network.reference, first[:SIZE])
    network(inputs_of(name, 6, seed=2))
    network(inputs_of(name, 1, seed=3))  # smaller batches may follow
    assert torch.equal(network.reference, first[:SIZE])
    assert network.reference_chosen


def test_a_first_batch_smaller_than_the_reference_is_refused_in_one_line():
    network = network_of("mlp_generator")
    network.eval()(inputs_of("mlp_generator", 2))
    message = "which has 2 samples: set reference_size to 2 or less, not 4"
    with pytest.raises(InputError, match=message) as error:
        network.train()(inputs_of("mlp_generator", 2))
    assert "\n" not in str(error.value)
    network(inputs_of("mlp_generator", 4))  # an error leaves nothing behind


def test_an_error_in_the_middle_of_a_pass_leaves_nothing_for_the_next():
    network, latents = started("mlp_generator"), inputs_of("mlp_generator", 3)
    expected = network(latents)

    def fail(module, inputs):
        raise RuntimeError

    with network.layers[-1].register_forward_pre_hook(fail), pytest.raises(RuntimeError):
        network(latents)
    torch.testing.assert_close(network(latents), expected)


@EVERY_NETWORK
def test_a_batch_of_another_shape_is_refused_as_by_any_network(name):
    with pytest.raises(InputError, match="was built for batches"):
        network_of(name)(torch.randn(6, 3))


def test_the_reference_survives_a_state_dict():
    network, data = started("dcgan_generator"), inputs_of("dcgan_generator", 6, seed=2)
    other = network_of("dcgan_generator")
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(data), network(data))
    assert torch.equal(other.reference, network.reference)


@EVERY_NETWORK
def test_copies_keep_a_reference_of_their_own(name):
    original, data = network_of(name), inputs_of(name, 6, seed=2)
    twins = copy.deepcopy(original), pickle.loads(pickle.dumps(original))
    original(inputs_of(name, 6))
    for twin in twins:
        assert not twin.reference_chosen
        twin(data)
        assert torch.equal(twin.reference, data[:SIZE])
        assert torch.equal(original.reference, inputs_of(name, 6)[:SIZE])
        with torch.no_grad():
            before = original(data)
            next(twin.parameters()).zero_()
        assert not torch.allclose(twin(data), before)
        assert torch.equal(original(data), before)


def test_the_moving_average_follows_the_reference():
    network = network_of("mlp_generator")
    average = ExponentialMovingAverage(network, decay=0.5, half_life=None, start_step=10)
    latents = inputs_of("mlp_generator", 6)
    network(latents)
    average.update(network, Progress(iterations=1))
    assert torch.equal(average.network.eval()(latents), network(latents))


def test_functional_calls_use_the_tensors_they_are_given():
    network, data = started("mlp_discriminator"), inputs_of("mlp_discriminator", 3)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    torch.testing.assert_close(functional_call(network, state, (data,)), network(data))
    state["reference"] += 1
    assert not torch.allclose(functional_call(network, state, (data,)), network(data))
    assert torch.equal(network.reference, started("mlp_discriminator").reference)


def test_two_passes_can_be_differentiated_together():
    """As in the discriminator's step: the second pass must not spoil what the first one kept."""
    network = network_of("mlp_discriminator")
    first, second = network(inputs_of("mlp_discriminator", 6)), network(torch.randn(6, 2))
    (first.sum() + second.square().sum()).backward()
    assert all(value.grad.isfinite().all() for value in network.parameters())


@pytest.mark.parametrize("name", ["mlp_discriminator", "dcgan_discriminator"])
def test_gradients_of_gradients_are_those_of_finite_differences(name):
    network = started(name, width=2).double()
    data = inputs_of(name, 2, seed=2).double().requires_grad_()
    assert torch.autograd.gradcheck(network, data)
    assert torch.autograd.gradgradcheck(network, data)


def test_gradients_flow_through_the_reference_batch():
    network, data = started("mlp_generator").double(), inputs_of("mlp_generator", 2).double()
    layer = network.layers[0]
    (gradient,) = torch.autograd.grad(network(data).square().sum(), layer.weight)
    direction, values = torch.randn_like(layer.weight), []
    for step in (1e-6, -2e-6):
        with torch.no_grad():
            layer.weight.add_(step * direction)
            values.append(network(data).square().sum().item())
    slope = (gradient * direction).sum().item()
    assert slope == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-5)


def test_labels_are_part_of_the_reference():
    network = LabelCodeGenerator(
        network=partial(network_of, "mlp_generator"),
        latent_dim=5,
        label_code=OneHotLabels(num_classes=3),
    )
    latents, labels = torch.randn(6, 5), torch.tensor([0, 2, 1, 0, 2, 1])
    network(latents, labels)
    inner = network.network
    assert torch.equal(inner.reference[:, :5], latents[:SIZE])
    assert inner.reference[:, 5:].argmax(1).tolist() == [0, 2, 1, 0]


def test_features_and_batch_statistics_are_those_of_the_batch_alone():
    choice = MinibatchDiscrimination(kernels=2, kernel_dimension=3)
    network = started("mlp_discriminator", batch_statistics=choice)
    data = torch.randn(1, 2).repeat(3, 1)
    features = last_hidden_features(network, network, data)
    assert features.shape == (3, 10)
    assert features[:, 8:].eq(2).all()  # each of the three has two that are like it


def test_networks_compile_without_a_graph_break():
    for name in NETWORKS:
        network, data = started(name).eval(), inputs_of(name, 2)
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(data), network(data))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_takes_statistics_in_float32(dtype):
    layer = VIRTUAL.activations(6, 0)
    reference, features = (100 + torch.randn(2, SIZE, 6)).to(dtype)
    layer(reference.float())
    expected = layer(features.float())
    layer(reference)
    output = layer(features)
    assert output.dtype == dtype
    assert torch.equal(output, expected.to(dtype))


def test_scales_and_shifts_are_drawn_as_those_of_other_normalisations():
    layer = VIRTUAL.activations(20000, 2)
    nn.init.ones_(layer.bias)
    NormalInitialization(deviation=0.02)(layer)
    assert layer.weight.mean().item() == pytest.approx(1, abs=1e-3)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not layer.bias.any()


def test_neither_it_nor_other_normalisations_draw_random_numbers_for_a_reference():
    state = []
    for normalization in (VIRTUAL, BatchNorm(eps=1e-5, momentum=0.1)):
        network = network_of("mlp_generator", normalization)
        state.append(torch.get_rng_state())
        assert hasattr(network, "reference") == (normalization is VIRTUAL)
    assert torch.equal(*state)


def test_a_network_without_normalised_layers_has_no_reference():
    network = network_of("mlp_discriminator", depth=1)
    assert not [m for m in network.modules() if isinstance(m, VirtualBatchLayer)]
    assert not list(network.buffers())


def test_in_a_game_each_player_takes_its_reference_in_its_first_step(gan, trainer, batches):
    virtual = VirtualBatchNorm(reference_size=8, eps=1e-5)
    generator = network_of("mlp_generator", virtual, latent_dim=4)
    critic = network_of("mlp_discriminator", virtual)
    model = gan(generator=generator, discriminator=critic)
    data = batches(8, 2)
    trainer(2).fit(model, data)
    assert torch.equal(critic.reference, next(iter(data))[0])
    assert generator.reference_chosen
    twin = copy.deepcopy(model)
    assert torch.equal(twin.sample(3, seed=0), model.sample(3, seed=0))
    assert model.sample(3, seed=0).isfinite().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reference_size": 0, "eps": 1e-5}, "reference_size must be a whole number from 1 up"),
        ({"reference_size": 4, "eps": 0.0}, "eps must be a positive number"),
    ],
)
def test_wrong_numbers_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        VirtualBatchNorm(**settings)
