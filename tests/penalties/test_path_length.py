import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.penalties import PathLength
from ganzoo.penalties.path_length import path_lengths

NUMBERS = {"weight": 2.0, "interval": 1, "decay": 0.99}


def numeric_jacobian(generator, latents):
    """Central differences of all data by all latents, one latent vector at a time: [B, N, Z]."""
    rows = []
    for sample in latents:
        columns = []
        for index in range(len(sample)):
            step = torch.zeros_like(sample)
            step[index] = 1e-5
            with torch.no_grad():
                rise = generator((sample + step)[None]) - generator((sample - step)[None])
            columns.append(rise.flatten() / 2e-5)
        rows.append(torch.stack(columns, dim=1))
    return torch.stack(rows)


@pytest.mark.parametrize(("shape", "pixels"), [((6,), 6), ((2, 3, 4), 12)])
def test_lengths_are_those_of_the_numeric_jacobian(shape, pixels, make_game):
    """For images y is divided by the root of the pixels, channels not counted."""
    torch.manual_seed(0)
    size = int(np.prod(shape))
    generator = nn.Sequential(
        nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, size), nn.Unflatten(1, shape)
    ).double()
    real = torch.zeros(5, *shape, dtype=torch.float64)
    latents = torch.randn(5, 3, dtype=torch.float64)
    torch.manual_seed(1)
    lengths = path_lengths(make_game(generator, generator, real).context("generator"), latents)
    torch.manual_seed(1)
    directions = torch.randn(5, *shape, dtype=torch.float64).flatten(1) / pixels**0.5
    expected = torch.einsum("bnz,bn->bz", numeric_jacobian(generator, latents), directions)
    torch.testing.assert_close(lengths, expected.norm(dim=1), rtol=1e-6, atol=1e-8)


@pytest.fixture
def linear(make_game):
    """A game with a linear generator of six entries from two latents, badly conditioned."""
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(6, 2, dtype=torch.float64))
    layer = nn.Linear(2, 6, dtype=torch.float64)
    layer.weight.data.copy_(basis * torch.tensor([5.0, 0.5]))
    data = torch.zeros(64, 6, dtype=torch.float64)
    return make_game(layer, layer, data)


def test_lengths_of_a_linear_generator_in_expectation(linear):
    """E ||A^T y||^2 = ||A||_F^2 / 6 with y from N(0, I / 6)."""
    torch.manual_seed(0)
    lengths = path_lengths(linear.context("generator"), torch.zeros(20_000, 2, dtype=torch.float64))
    assert lengths.square().mean().item() == pytest.approx(25.25 / 6, rel=0.03)


def test_the_value_is_the_distance_to_the_moving_average(linear):
    penalty, average = PathLength(**NUMBERS | {"decay": 0.8}), None
    for seed in range(3):
        torch.manual_seed(seed)
        value = linear.term(penalty)
        penalty.after_step(linear.players["generator"])
        torch.manual_seed(seed)
        lengths = path_lengths(linear.context("generator"), linear.latents(64)).detach()
        average = lengths.mean() if average is None else 0.8 * average + 0.2 * lengths.mean()
        assert value.item() == pytest.approx(2 * (lengths - average).square().mean().item())


def test_the_gradient_reaches_the_average_by_the_share_of_the_newest_lengths(linear):
    """As in the authors' code, whose average is not detached: mean.lerp(lengths.mean(), 0.01)."""
    layer, penalty = linear.networks["generator"], PathLength(**NUMBERS)
    torch.manual_seed(0)
    linear.term(penalty)
    penalty.after_step(linear.players["generator"])
    before = penalty.average.mean.double()
    torch.manual_seed(1)
    linear.term(penalty).backward()
    torch.manual_seed(1)
    lengths = path_lengths(linear.context("generator"), linear.latents(64))
    attached = (lengths - before.lerp(lengths.mean(), 0.01)).square().mean() * 2
    held = (lengths - before.lerp(lengths.mean(), 0.01).detach()).square().mean() * 2
    (expected,) = torch.autograd.grad(attached, layer.weight, retain_graph=True)
    (other,) = torch.autograd.grad(held, layer.weight)
    torch.testing.assert_close(layer.weight.grad, expected, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(expected, other, rtol=1e-3)


def test_it_makes_the_jacobian_orthogonal_up_to_scale(linear):
    """With the average held at 1. For A = s Q the lengths are s R / sqrt(6), with a Rayleigh
    variable R of mean sqrt(pi / 2) and mean square 2, so that the best s is sqrt(6 pi / 8)."""
    layer = linear.networks["generator"]
    penalty = PathLength(**NUMBERS)
    penalty.average.after = lambda lengths: torch.ones(())
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    for step in range(500):
        optimizer.param_groups[0]["lr"] = 0.05 * 0.995**step
        optimizer.zero_grad()
        linear.term(penalty).backward()
        optimizer.step()
    scales = torch.linalg.svdvals(layer.weight).tolist()  # from 5 and 0.5
    assert scales == pytest.approx([(6 * np.pi / 8) ** 0.5] * 2, rel=0.08)


class Styled(nn.Module):
    """A generator whose style has a vector for each of three layers."""

    def __init__(self):
        super().__init__()
        self.mapping = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Unflatten(1, (3, 4)))
        self.layers = nn.ModuleList(nn.Linear(4, 6) for _ in range(3))

    def synthesis(self, styles):
        parts = [layer(styles[:, i]) for i, layer in enumerate(self.layers)]
        return torch.tanh(torch.stack(parts).prod(0))

    def forward(self, latents):
        return self.synthesis(self.mapping(latents))


def test_of_a_generator_with_styles_it_is_the_mean_square_over_layers(make_game):
    """As in the authors' code: the root of the mean over layers of squared sums over a style."""
    torch.manual_seed(0)
    generator, latents = Styled().double(), torch.randn(5, 2).double()
    game = make_game(generator, generator, torch.zeros(5, 6).double())
    torch.manual_seed(1)
    lengths = path_lengths(game.context("generator"), latents)
    torch.manual_seed(1)
    directions = torch.randn(5, 6, dtype=torch.float64) / 6**0.5
    styles = generator.mapping(latents).detach()

    def of_flat(flat):
        return generator.synthesis(flat.unflatten(1, (3, 4)))

    jacobians = numeric_jacobian(of_flat, styles.flatten(1))
    expected = torch.einsum("bnz,bn->bz", jacobians, directions).unflatten(1, (3, 4))
    expected = expected.square().sum(2).mean(1).sqrt()
    torch.testing.assert_close(lengths, expected, rtol=1e-6, atol=1e-8)
    lengths.sum().backward()
    assert generator.mapping[0].weight.grad.abs().sum() > 0
