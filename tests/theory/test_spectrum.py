import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.losses import NonSaturating
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.games import Bilinear
from ganzoo.theory.spectrum import spectrum, transposed_product

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
        players = [
            Player("discriminator", self.discriminator, self.of_discriminator),
            Player("generator", self.generator, self.of_generator),
        ]
        self.game = DifferentiableGame(players=players, equilibrium=None)

    def logits(self, data):
        return self.discriminator(data).squeeze(1)

    def of_discriminator(self, minibatch):
        return self.loss.discriminator(
            self.logits(self.real), self.logits(self.generator(self.latents))
        )

    def of_generator(self, minibatch):
        return self.loss.generator(self.logits(self.generator(self.latents)))

    def jacobian(self):
        """Central differences of the field, column by column."""
        start = self.game.point
        columns = [
            (self.game.field(start + step) - self.game.field(start - step)) / 2e-5
            for step in 1e-5 * torch.eye(len(start), dtype=start.dtype)
        ]
        self.game.move_to(start)
        return torch.stack(columns, dim=1)


@pytest.fixture(scope="module")
def small():
    found = Small()
    found.matrix = found.jacobian()
    return found


def test_products_are_those_with_the_transposed_matrix(small):
    vector = torch.randn(small.game.size, dtype=torch.float64)
    found = transposed_product(small.game)(vector.numpy())
    np.testing.assert_allclose(found, small.matrix.T @ vector, atol=1e-8)


def test_extreme_eigenvalues_are_those_of_the_whole_matrix(small):
    found = spectrum(small.game, **SEARCH)
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
    losses = small.of_discriminator(None), small.of_generator(None)
    expected = [
        torch.autograd.grad(sum(terms.values()), list(network.parameters()))
        for terms, network in zip(losses, (small.discriminator, small.generator), strict=True)
    ]
    found = small.game.field(small.game.point)
    torch.testing.assert_close(
        found, torch.cat([g.flatten() for gradients in expected for g in gradients])
    )


def test_the_game_of_a_model_is_that_of_its_players(gan):
    """Its loss, its latents, its data: the product with J^T against differences of the field."""
    model = gan().double()
    fields = {"real": torch.randn(16, 2, dtype=torch.float64), "labels": None}
    for player in model.players:
        player.minibatch = Minibatch(fields, 16)
    game = DifferentiableGame(players=model.players, equilibrium=None)
    start, vector = game.point, torch.randn(game.size, dtype=torch.float64)
    move = 1e-5 * torch.randn(game.size, dtype=torch.float64)
    slope = (game.field(start + move) - game.field(start - move)) / 2
    game.move_to(start)
    found = transposed_product(game)(vector.numpy())
    assert found @ move.numpy() == pytest.approx(float(slope @ vector), rel=1e-4)


def test_a_bilinear_game_has_its_singular_values():
    matrix = np.random.default_rng(0).normal(size=(6, 6))
    found = spectrum(Bilinear(matrix=matrix.tolist()), **(SEARCH | {"count": 4}))
    expected = np.linalg.svd(matrix, compute_uv=False)[[0, 0, 1, 1]]
    np.testing.assert_allclose(found.largest_modulus.abs(), expected, atol=1e-8)
    assert found.largest_real.real.abs().max() < 1e-6


def test_float32_networks_have_the_same_eigenvalues_to_their_precision(small):
    single = Small(torch.float32)
    found = spectrum(single.game, **(SEARCH | {"tolerance": 1e-4}))
    exact = spectrum(small.game, **SEARCH)
    np.testing.assert_allclose(found.largest_modulus.abs(), exact.largest_modulus.abs(), rtol=2e-3)


def test_gradients_of_the_networks_are_left_alone(small):
    spectrum(small.game, **SEARCH)
    assert all(parameter.grad is None for parameter in small.game.parameters)


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
    game = Small().game
    message = message.replace("39", str(game.size)).replace("38", str(game.size - 1))
    settings = SEARCH | settings
    settings["count"] = game.size - 1 if settings["count"] == 38 else settings["count"]
    with pytest.raises(InputError, match=message):
        spectrum(game, **settings)


def test_fields_that_are_not_finite_are_refused():
    game = Small().game
    game.move_to(torch.full((game.size,), float("nan")).double())
    with pytest.raises(InputError, match="field of the game is not finite"):
        spectrum(game, **SEARCH)
