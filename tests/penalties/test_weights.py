"""Which weights a penalty on weights takes; orthogonal and spectral regularisation of them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.penalties import Context, Orthogonal, Orthonormal, SpectralNormPenalty
from ganzoo.penalties.weights import chosen_weights

ALL = {"weight": 1.0, "interval": 1, "on": "discriminator", "layers": ["*"]}


def term(penalty, network):
    """The term of a player with one network, as it is in a model."""
    penalty.attach([network])
    return term_again(penalty, network)


def term_again(penalty, network):
    context = Context(real=torch.zeros(1))
    context.player = Player("discriminator", network, lambda _: {})
    return penalty(context)


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ConvTranspose2d(4, 3, 2),
        nn.Flatten(),
        nn.Linear(5, 2),
        nn.Embedding(4, 4),
    )


def matrix(values):
    layer = nn.Linear(values.shape[1], values.shape[0], bias=False, dtype=torch.float64)
    layer.weight.data.copy_(torch.as_tensor(values))
    return layer


def singular_values(layer):
    return np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)


def test_weights_are_matrices_with_a_row_for_each_output():
    layers = network()
    first, second, third = chosen_weights([layers], ["*"])
    assert torch.equal(first, layers[0].weight.reshape(4, 18))
    assert torch.equal(second[1], layers[2].weight[:, 1].flatten())
    assert [tuple(w.shape) for w in (first, second, third)] == [(4, 18), (3, 16), (2, 5)]


def test_a_parametrised_layer_gives_the_weight_that_is_trained():
    layer = nn.Linear(3, 3)
    before = layer.weight.detach().clone()
    parametrizations.spectral_norm(layer)
    state = {name: buffer.clone() for name, buffer in layer.named_buffers()}
    (weight,) = chosen_weights([layer], ["*"])
    assert torch.equal(weight, before)
    assert all(torch.equal(state[name], buffer) for name, buffer in layer.named_buffers())


def test_layers_are_chosen_by_name():
    assert [tuple(w.shape) for w in chosen_weights([network()], ["0", "4"])] == [(4, 18), (2, 5)]
    one = term(Orthonormal(**ALL | {"layers": "4"}), network())
    every = term(Orthonormal(**ALL), network())
    names = ("0", "2", "4")
    parts = [term(Orthonormal(**ALL | {"layers": [name]}), network()) for name in names]
    assert torch.equal(one, parts[2])
    torch.testing.assert_close(sum(parts), every)


def test_a_name_that_fits_no_layer_is_refused_when_the_game_is_built():
    penalty = Orthogonal(**ALL | {"layers": ["0", "first*"]})
    with pytest.raises(InputError, match=r"no layer is named 'first\*': .* layers are 0, 2, 4"):
        penalty.attach([network()])
    with pytest.raises(InputError, match="name at least one layer"):
        chosen_weights([network()], [])
    with pytest.raises(InputError, match="layers are none"):
        chosen_weights([nn.Flatten()], ["*"])


def test_orthogonal_by_numpy():
    expected = {Orthogonal: 0.0, Orthonormal: 0.0}
    layers = network().double()
    for weight in chosen_weights([layers], ["*"]):
        products = weight.detach().numpy() @ weight.detach().numpy().T
        identity = np.eye(len(products))
        expected[Orthogonal] += np.linalg.norm(products * (1 - identity), "fro") ** 2
        expected[Orthonormal] += np.linalg.norm(products - identity, "fro") ** 2
    for kind, value in expected.items():
        assert term(kind(**ALL), layers).item() == pytest.approx(value)


def test_the_gradient_of_the_orthogonal_form_is_twice_that_of_the_authors_code():
    layer = matrix(np.random.default_rng(0).normal(size=(3, 5)))
    term(Orthogonal(**ALL), layer).backward()
    weight = layer.weight.detach().numpy()
    theirs = 2 * ((weight @ weight.T) * (1 - np.eye(3))) @ weight
    assert np.allclose(layer.weight.grad.numpy(), 2 * theirs)


def descended(penalty, layer, steps, lr):
    player = Player("discriminator", layer, lambda _: {})
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    penalty.attach([layer])
    for _ in range(steps):
        optimizer.zero_grad()
        term_again(penalty, layer).backward()
        optimizer.step()
        if hasattr(penalty, "after_step"):
            penalty.after_step(player)
    return layer.weight.detach().numpy()


def test_one_form_leaves_the_norms_of_filters_free_and_the_other_makes_them_one():
    values = np.array([[3.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.1, 0.1, 0.3]])
    free = descended(Orthogonal(**ALL), matrix(values), 1000, 0.005)
    one = descended(Orthonormal(**ALL), matrix(values), 1000, 0.005)
    products = free @ free.T
    assert np.abs(products - np.diag(np.diag(products))).max() < 0.01
    assert np.linalg.norm(free, axis=1)[0] > 2
    assert np.linalg.norm(free, axis=1)[2] < 0.35
    assert np.allclose(one @ one.T, np.eye(3), atol=0.01)


def spectral(iterations=1, **changes):
    return SpectralNormPenalty(power_iterations=iterations, **(ALL | changes))


def test_spectral_by_numpy():
    layers = network().double()
    weights = [w.detach().numpy() for w in chosen_weights([layers], ["*"])]
    largest = [np.linalg.svd(weight, compute_uv=False)[0] for weight in weights]
    value = term(spectral(iterations=200), layers)
    assert value.item() == pytest.approx(np.square(largest).sum() / 2, rel=1e-9)


def test_the_spectral_gradient_is_sigma_u_v():
    layer = matrix(np.random.default_rng(1).normal(size=(4, 6)))
    left, values, right = np.linalg.svd(layer.weight.detach().numpy())
    term(spectral(iterations=300), layer).backward()
    expected = values[0] * np.outer(left[:, 0], right[0])
    assert np.allclose(layer.weight.grad.numpy(), expected, atol=1e-9)


def test_one_iteration_an_update_finds_the_norm_because_the_vectors_are_remembered():
    layer = matrix(np.diag([1.0, 0.99, 0.5, 0.1]))
    penalty, player = spectral(), Player("discriminator", layer, lambda _: {})
    values = [term(penalty, layer).item()]
    for _ in range(600):
        penalty.after_step(player)
        values.append(term_again(penalty, layer).item())
    assert abs(values[-1] - 0.5) < 1e-6
    assert values == sorted(values)


def test_the_vectors_are_there_when_the_game_is_built():
    """So that a checkpoint of a run fits the game that goes on from it."""
    layers, penalty = network(), spectral()
    penalty.attach([layers])
    assert [tuple(b.shape) for b in penalty.buffers()] == [(18,), (16,), (5,)]
    before = set(penalty.state_dict())
    term_again(penalty, layers)
    assert set(penalty.state_dict()) == before


def test_only_the_largest_singular_values_shrink():
    """Weight decay of the same weight would shrink all three to the same share."""
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    layer = matrix(turn @ np.diag([3.0, 1.0, 0.5]))
    descended(spectral(), layer, 50, 0.01)
    assert np.allclose(singular_values(layer), [3 * 0.99**50, 1, 0.5], atol=1e-6)
    descended(spectral(iterations=5), layer, 110, 0.01)  # the second joins when they are equal
    values = singular_values(layer)
    assert values[0] < 0.95
    assert values[2] == pytest.approx(0.5)
