import copy
import math
import pickle

import pytest
import torch
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import (
    MinibatchDiscrimination,
    MinibatchStandardDeviation,
    NoBatchStatistics,
)
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.initialization import HeUniform, XavierUniform
from ganzoo.networks.mlp import MLPDiscriminator
from ganzoo.networks.normalization import NoNorm, SpectralNorm
from ganzoo.networks.resnet import ResNetDiscriminator

DISCRIMINATION = MinibatchDiscrimination(kernels=5, kernel_dimension=3)
DEVIATION = MinibatchStandardDeviation(group_size=4, eps=1e-8)
BOTH = pytest.mark.parametrize("choice", [DISCRIMINATION, DEVIATION])
NETWORKS = {
    "mlp": (MLPDiscriminator, [2], {"depth": 2, "negative_slope": 0.2}),
    "dcgan": (DCGANDiscriminator, [3, 8, 8], {"negative_slope": 0.2}),
    "resnet": (
        ResNetDiscriminator,
        [3, 32, 32],
        {"residual_initialization": XavierUniform(gain=1.0)},
    ),
}
EVERY_NETWORK = pytest.mark.parametrize("name", NETWORKS)


def discriminator(name, choice, **changes):
    kind, shape, arguments = NETWORKS[name]
    torch.manual_seed(0)
    common = {
        "shape": shape,
        "width": 16,
        "outputs": 1,
        "batch_statistics": choice,
        "normalization": NoNorm(),
        "initialization": HeUniform(negative_slope=0.2),
    }
    return kind(**common | arguments | changes)


def layer(choice, features=7):
    torch.manual_seed(0)
    return choice.layer(features)[0]


def closeness_by_a_loop(module, features):
    """Section 3.2 of Salimans et al. (2016), one pair of samples and one kernel at a time."""
    count, kernels = len(features), module.kernels
    matrices = (features @ module.projection.weight.T).view(count, kernels, -1)
    result = torch.zeros(count, kernels, dtype=features.dtype)
    for i in range(count):
        for j in range(count):
            for b in range(kernels):
                if i != j:
                    distance = (matrices[i, b] - matrices[j, b]).abs().sum()
                    result[i, b] += math.exp(-distance.item())
    return result


def test_closeness_is_the_papers_sum_over_the_other_samples():
    module, features = layer(DISCRIMINATION).double(), torch.randn(6, 7, dtype=torch.float64)
    output = module(features)
    assert torch.equal(output[:, :7], features)
    torch.testing.assert_close(output[:, 7:].detach(), closeness_by_a_loop(module, features))


def test_deviation_is_the_mean_over_features_of_each_groups_standard_deviation():
    module, features = layer(DEVIATION), torch.randn(8, 7)
    output = module(features)
    assert torch.equal(output[:, :7], features)
    for rows in (slice(0, 4), slice(4, 8)):
        deviation = features[rows].numpy().std(axis=0).mean()
        assert output[rows, 7].tolist() == pytest.approx([deviation] * 4, rel=1e-5)


@pytest.mark.parametrize("count", [3, 6])
def test_a_batch_that_groups_do_not_divide_is_one_group(count):
    features = torch.randn(count, 7)
    expected = features.numpy().std(axis=0).mean()
    assert layer(DEVIATION)(features)[:, 7].tolist() == pytest.approx([expected] * count, rel=1e-5)


@pytest.mark.parametrize("choice", [NoBatchStatistics(), DISCRIMINATION, DEVIATION])
def test_the_width_told_is_that_of_the_output(choice):
    module, width = choice.layer(7)
    assert module(torch.randn(4, 7)).shape == (4, width)


@BOTH
def test_a_permuted_batch_gives_permuted_outputs(choice):
    module, features, order = layer(choice), torch.randn(4, 7), torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(module(features[order]), module(features)[order])


@BOTH
def test_equal_samples_are_told_from_different_ones_and_have_finite_gradients(choice):
    module = layer(choice)
    spread = torch.randn(4, 7)
    collapsed = spread[:1].repeat(4, 1).requires_grad_()
    first, other = module(collapsed)[0], module(spread)[0]
    assert torch.equal(first[:7], other[:7])  # the sample itself is the same
    assert ((first - other)[7:].abs() > 0.05).all()
    gradient = torch.autograd.grad(module(collapsed).square().sum(), collapsed)[0]
    assert gradient.isfinite().all()


def test_statistics_lie_within_their_bounds():
    features = torch.randn(9, 7)
    closeness = layer(DISCRIMINATION)(torch.cat([features, features]))[:, 7:]
    assert (closeness >= 1 - 1e-5).all()  # each sample has one twin
    assert (closeness <= 17).all()
    collapsed = features[:1].repeat(4, 1)
    assert layer(DISCRIMINATION)(collapsed)[:, 7:].eq(3).all()
    assert layer(DEVIATION)(collapsed)[:, 7].tolist() == pytest.approx([1e-4] * 4, rel=1e-3)
    assert layer(DISCRIMINATION)(features[:1])[:, 7:].eq(0).all()  # nobody else


@BOTH
def test_gradients_of_gradients_are_those_of_finite_differences(choice):
    module = layer(choice).double()
    features = torch.randn(4, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, features)
    assert torch.autograd.gradgradcheck(module, features)


@BOTH
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_computes_in_float32(choice, dtype):
    """Differences of 1e-3 at 30 are below the resolution of both types."""
    module = layer(choice)
    features = 30 + 1e-3 * torch.randn(4, 7)
    with torch.autocast("cpu", dtype):
        torch.testing.assert_close(module(features), module(features.double()).float(), rtol=1e-3,
                                   atol=1e-4)  # fmt: skip
        assert module(features.to(dtype)).dtype == dtype


@EVERY_NETWORK
@BOTH
def test_in_every_network_logits_depend_on_the_batch_and_gradients_reach_all(name, choice):
    network = discriminator(name, choice, initialization=XavierUniform(gain=0.3))
    data = torch.randn(4, *network.shape)
    alike = data[:1].repeat(4, *[1] * len(network.shape))
    together = network(torch.cat([data[:1], data[1:]]))
    assert together.shape == (4,)
    assert not torch.allclose(together[0], network(alike)[0], atol=1e-5)
    together.square().sum().backward()
    assert all(value.grad.abs().max() > 0 for value in network.parameters())


@EVERY_NETWORK
def test_none_adds_nothing_and_leaves_the_names_of_weights_as_they_were(name):
    names = list(discriminator(name, NoBatchStatistics()).state_dict())
    assert not [key for key in names if "statistics" in key]
    expected = {"mlp": "layers.4.bias", "dcgan": "layers.5.bias", "resnet": "output.bias"}
    assert names[-1] == expected[name]


@EVERY_NETWORK
@pytest.mark.parametrize("choice", [NoBatchStatistics(), DISCRIMINATION])
def test_several_outputs_are_several_linear_functions_of_the_same_features(name, choice):
    several = discriminator(name, choice, outputs=3)
    data = torch.randn(4, *several.shape)
    outputs = several(data)
    assert outputs.shape == (4, 3)
    *_, last = (module for module in several.modules() if isinstance(module, torch.nn.Linear))
    seen = []
    last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    several(data)
    torch.testing.assert_close(outputs, functional.linear(seen[0], last.weight, last.bias))


@EVERY_NETWORK
def test_outputs_must_be_whole_and_positive(name):
    with pytest.raises(InputError, match="outputs must be a whole number from 1 up, not 0"):
        discriminator(name, NoBatchStatistics(), outputs=0)


@BOTH
def test_networks_copy_pickle_and_compile(choice):
    network, data = discriminator("mlp", choice), torch.randn(4, 2)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), compiled):
        torch.testing.assert_close(twin(data), network(data))


def test_the_initialization_draws_the_learnt_matrix_and_spectral_norm_does_not_reach_it():
    network = discriminator("mlp", DISCRIMINATION, normalization=SpectralNorm(power_iterations=1))
    weight = network.layers[4].projection.weight
    assert weight.abs().max().item() == pytest.approx(math.sqrt(6 / 1.04 / 16), rel=0.02)


def accuracy_at_telling_collapsed_batches(choice, steps=400):
    """Of a discriminator on batches of 8 real points against 8 copies of one real point.

    Each point of either is distributed as a real one, so that nothing but the batch can tell.
    """
    network = discriminator("mlp", choice)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(steps):
        real, collapsed = torch.randn(8, 2), torch.randn(1, 2).repeat(8, 1)
        loss = functional.softplus(-network(real)) + functional.softplus(network(collapsed))
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    with torch.no_grad():
        right = [
            (network(torch.randn(8, 2)) > 0).float().mean()
            + (network(torch.randn(1, 2).repeat(8, 1)) < 0).float().mean()
            for _ in range(200)
        ]
    return torch.stack(right).mean().item() / 2


def test_only_batch_statistics_tell_a_collapsed_but_realistic_batch():
    assert accuracy_at_telling_collapsed_batches(NoBatchStatistics()) < 0.6
    assert accuracy_at_telling_collapsed_batches(DISCRIMINATION) > 0.97
    assert accuracy_at_telling_collapsed_batches(DEVIATION) > 0.95


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: MinibatchDiscrimination(kernels=0, kernel_dimension=3),
            "kernels must be a whole number from 1 up, not 0",
        ),
        (
            lambda: MinibatchDiscrimination(kernels=2, kernel_dimension=1.5),
            "kernel_dimension must be a whole number from 1 up, not 1.5",
        ),
        (lambda: MinibatchStandardDeviation(group_size=0, eps=1e-8), "group_size must be a whole"),
        (lambda: MinibatchStandardDeviation(group_size=4, eps=0.0), "eps must be a positive"),
    ],
)
def test_wrong_numbers_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
