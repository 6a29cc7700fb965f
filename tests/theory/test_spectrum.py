from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.losses import NonSaturating
from ganzoo.theory.games import Bilinear
from ganzoo.theory.spectrum import NetworkGame, spectrum

SEARCH = {"count": 3, "tolerance": 1e-10, "iterations": 2000, "seed": 0}


class Small:
    """A GAN of two small networks on fixed data, and its Jacobian by torch.func."""

    def __init__(self, dtype=torch.float64):
        torch.manual_seed(0)
        self.generator = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2)).to(dtype)
        self.discriminator = nn.Sequential(nn.Linear(2, 5), nn.Softplus(), nn.Linear(5, 1)).to(
            dtype
        )
        self.real, self.latents = torch.randn(2, 16, 2).to(dtype)
        self.loss = NonSaturating(label_smoothing=0.0)
        self.parameters = {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.generator.parameters()),
        }

    def losses(self):
        fake = self.discriminator(self.generator(self.latents)).squeeze(1)
        real = self.discriminator(self.real).squeeze(1)
        return {
            "discriminator": sum(self.loss.discriminator(real, fake).values()),
            "generator": sum(self.loss.generator(fake).values()),
        }

    def game(self):
        return NetworkGame(parameters=self.parameters, losses=self.losses)

    def field_of(self, weights):
        """The field as a function of all weights, by loading them into the networks."""
        with torch.no_grad():
            nn.utils.vector_to_parameters(weights, chain(*self.parameters.values()))
        return self.game().field()

    def jacobian(self):
        """Central differences of the field, column by column."""
        start = nn.utils.parameters_to_vector(chain(*self.parameters.values())).detach().clone()
        columns = []
        for step in 1e-5 * torch.eye(len(start), dtype=start.dtype):
            columns.append((self.field_of(start + step) - self.field_of(start - step)) / 2e-5)
        self.field_of(start)
        return torch.stack(columns, dim=1)


@pytest.fixture(scope="module")
def small():
    found = Small()
    found.matrix = found.jacobian()
    return found


def test_products_are_those_with_the_transposed_matrix(small):
    game = small.game()
    vector = torch.randn(game.size, dtype=torch.float64)
    found = game.transposed_product(vector)
    torch.testing.assert_close(found, small.matrix.T @ vector, atol=1e-8, rtol=0)


def test_extreme_eigenvalues_are_those_of_the_whole_matrix(small):
    found = spectrum(small.game(), **SEARCH)
    values = np.linalg.eigvals(small.matrix.numpy())
    for mine, theirs, key in (
        (found.largest_modulus, values[np.argsort(-abs(values))], abs),
        (found.largest_real, values[np.argsort(-values.real)], np.real),
        (found.smallest_real, values[np.argsort(values.real)], np.real),
    ):
        np.testing.assert_allclose(key(mine.numpy()), key(theirs[:3]), atol=1e-6)
        for value in mine.numpy():
            assert abs(values - value).min() < 1e-6


def test_the_field_is_that_of_backward(small):
    values = small.losses()
    expected = []
    for player, tensors in small.parameters.items():
        found = torch.autograd.grad(values[player], tensors, retain_graph=True)
        expected.append(torch.cat([g.flatten() for g in found]))
    game = small.game()
    torch.testing.assert_close(game.field(), torch.cat(expected))
    norms = {p: g.norm().item() for p, g in zip(small.parameters, expected, strict=True)}
    assert game.gradient_norms() == pytest.approx(norms)
    assert game.half_squared_norm() == pytest.approx(sum(n**2 for n in norms.values()) / 2)


def test_it_agrees_with_a_game_of_vectors():
    """A bilinear game of many dimensions: eigenvalues are +- i times its singular values."""
    matrix = np.random.default_rng(0).normal(size=(6, 6))
    vectors = Bilinear(matrix=matrix.tolist())
    players = {name: [torch.zeros(6).double().requires_grad_()] for name in vectors.sizes}

    def losses():
        parts = {name: tensors[0] for name, tensors in players.items()}
        return {name: vectors.objective(name, parts) for name in players}

    game = NetworkGame(parameters=players, losses=losses)
    found = spectrum(game, **(SEARCH | {"count": 4}))
    expected = np.linalg.svd(matrix, compute_uv=False)[[0, 0, 1, 1]]
    np.testing.assert_allclose(found.largest_modulus.abs(), expected, atol=1e-8)
    assert found.largest_real.real.abs().max() < 1e-6


def test_float32_networks_have_the_same_eigenvalues_to_their_precision(small):
    single = Small(torch.float32)
    found = spectrum(single.game(), **(SEARCH | {"tolerance": 1e-4}))
    exact = spectrum(small.game(), **SEARCH)
    np.testing.assert_allclose(found.largest_modulus.abs(), exact.largest_modulus.abs(), rtol=2e-3)


def test_gradients_of_the_networks_are_left_alone(small):
    spectrum(small.game(), **SEARCH)
    assert all(p.grad is None for tensors in small.parameters.values() for p in tensors)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count must be a whole number"),
        ({"count": 38}, "count must be below 38 for a game of 39 parameters, not 38"),
        ({"tolerance": 0.0}, "tolerance must be a positive number"),
        ({"iterations": 1, "tolerance": 1e-15}, "did not converge in 1 iterations"),
    ],
)
def test_wrong_searches_are_refused(settings, message):
    small = Small()
    game = small.game()
    message = message.replace("39", str(game.size)).replace("38", str(game.size - 1))
    settings = SEARCH | settings
    settings["count"] = game.size - 1 if settings["count"] == 38 else settings["count"]
    with pytest.raises(InputError, match=message):
        spectrum(game, **settings)


def test_wrong_games_are_refused():
    weight = torch.ones(2, requires_grad=True)
    with pytest.raises(InputError, match="must name the same players, not critic and generator"):
        NetworkGame(parameters={"critic": [weight]}, losses=lambda: {"generator": weight.sum()})
    with pytest.raises(InputError, match="the loss of player critic must be a single finite"):
        NetworkGame(parameters={"critic": [weight]}, losses=lambda: {"critic": weight})
    with pytest.raises(InputError, match="player critic needs parameters"):
        NetworkGame(parameters={"critic": []}, losses=lambda: {"critic": weight.sum()})
    game = NetworkGame(parameters={"critic": [weight]}, losses=lambda: {"critic": weight.sum()})
    with pytest.raises(InputError, match="must have 2 entries"):
        game.transposed_product(torch.zeros(3))
