import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.penalties import LatentConsistency, LatentDiversity

NUMBERS = {"weight": 1.0, "interval": 1, "deviation": 0.1}
DISCRIMINATORS, GENERATORS = (NUMBERS | {"on": on} for on in ("discriminator", "generator"))


@pytest.fixture
def linear(make_game):
    """A game of a linear generator x = A z and a linear discriminator a . x."""

    def make(count, generator, discriminator):
        data = torch.zeros(count, generator.shape[0], dtype=torch.float64)
        networks = []
        for matrix in (discriminator[None], generator):
            layer = nn.Linear(*matrix.T.shape, bias=False, dtype=torch.float64)
            layer.weight.data.copy_(matrix)
            networks.append(layer)
        return make_game(nn.Sequential(networks[0], nn.Flatten(0)), networks[1], data)

    return make


@pytest.fixture
def matrices():
    torch.manual_seed(0)
    return torch.randn(3, 2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)


def test_the_discriminators_part_in_expectation(linear, matrices):
    """E (a^T A dz)^2 = deviation^2 ||A^T a||^2."""
    generator, discriminator = matrices
    value = linear(40_000, generator, discriminator).term(LatentConsistency(**DISCRIMINATORS))
    expected = 0.01 * (generator.T @ discriminator).square().sum()
    assert value.item() == pytest.approx(expected.item(), rel=0.03)


def test_the_generators_part_in_expectation(linear, matrices):
    """-E ||A dz||^2 / 3 = -deviation^2 ||A||_F^2 / 3, for data of three entries."""
    generator, discriminator = matrices
    value = linear(40_000, generator, discriminator).term(LatentDiversity(**GENERATORS))
    assert value.item() == pytest.approx(-0.01 * generator.square().sum().item() / 3, rel=0.03)


def test_a_collapsed_generator_gains_by_reacting_to_its_latents(linear, matrices):
    game = linear(64, 0.01 * matrices[0], matrices[1])
    generator = game.networks["generator"]
    before = generator.weight.norm().item()
    optimizer = torch.optim.SGD(generator.parameters(), lr=5.0)
    for _ in range(30):
        optimizer.zero_grad()
        game.term(LatentDiversity(**GENERATORS)).backward()
        optimizer.step()
    assert generator.weight.norm() > 2 * before


def test_the_discriminator_flattens_along_generated_data_and_keeps_the_direction_across(
    linear, matrices
):
    generator, discriminator = matrices
    game = linear(64, generator, discriminator)
    network = game.networks["discriminator"]
    along, _ = torch.linalg.qr(generator)
    across = torch.eye(3).double() - along @ along.T
    optimizer = torch.optim.SGD(network.parameters(), lr=5.0)
    for _ in range(200):
        optimizer.zero_grad()
        game.term(LatentConsistency(**DISCRIMINATORS)).backward()
        optimizer.step()
    slope = network[0].weight[0]
    assert (along.T @ slope).norm() < 0.05 * (along.T @ discriminator).norm()
    torch.testing.assert_close(across @ slope, across @ discriminator)


@pytest.mark.parametrize("kind", [LatentConsistency, LatentDiversity])
def test_a_deviation_must_be_positive(kind):
    with pytest.raises(InputError, match="deviation must be a positive number"):
        kind(**NUMBERS | {"deviation": -1.0})


def test_pairs_are_of_neighbouring_latents_also_where_earlier_data_are_shown(linear, matrices):
    """With a pool the discriminator's generated data are not those of the step's latents."""
    game = linear(500, *matrices)
    values = []
    for fake in (None, torch.full((500, 3), 9.0, dtype=torch.float64)):
        torch.manual_seed(0)
        game.fake = fake
        values.append(game.term(LatentConsistency(**DISCRIMINATORS)))
    torch.testing.assert_close(values[0], values[1])
    assert values[0] < 1


def test_the_generated_data_of_the_loss_are_one_side_of_the_pairs(linear, matrices):
    """The discriminator makes one pass more than the loss's, the generator too."""
    for kind, settings, expected in (
        (LatentConsistency, DISCRIMINATORS, {"discriminator": 2, "generator": 2}),
        (LatentDiversity, GENERATORS, {"discriminator": 1, "generator": 2}),
    ):
        game, calls = linear(4, *matrices), dict.fromkeys(expected, 0)

        def counted(module, inputs, outputs, calls=calls, game=game):
            calls["generator" if module is game.networks["generator"] else "discriminator"] += 1

        for network in game.networks.values():
            network.register_forward_hook(counted)
        context = game.context(settings["on"])
        logits = context.fake_logits
        kind(**settings)(context)
        assert context.fake_logits is logits
        assert calls == expected
