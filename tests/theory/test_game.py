import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.losses import Wasserstein
from ganzoo.penalties import R1
from ganzoo.theory.dirac import DiracGAN
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.games import VectorGame

POINT = torch.tensor([0.4, -0.7, 1.1], dtype=torch.float64)


def first(p):
    return (p["discriminator"].square().sum() * p["generator"].sin()).sum()


def second(p):
    return (p["generator"] ** 3 - p["generator"] * p["discriminator"].prod()).sum()


def nonlinear():
    return VectorGame(
        objectives={"discriminator": first, "generator": second},
        sizes={"discriminator": 2, "generator": 1},
    )


def field_by_hand(x):
    a, b, g = x
    return np.array([2 * a * np.sin(g), 2 * b * np.sin(g), 3 * g**2 - a * b])


def test_the_field_has_each_players_own_gradient():
    np.testing.assert_allclose(nonlinear().field(POINT).numpy(), field_by_hand(POINT.numpy()))


def test_the_jacobian_agrees_with_differences_and_with_torch_func():
    matrix = nonlinear().jacobian(POINT)
    rough = approx_fprime(POINT.numpy(), field_by_hand, 1e-7)
    np.testing.assert_allclose(matrix.numpy(), rough, atol=1e-5)

    def parts(x):
        return {"discriminator": x[:2], "generator": x[2:]}

    def field(x):
        mine = torch.func.grad(lambda y: first(parts(torch.cat([y, x[2:]]))))(x[:2])
        theirs = torch.func.grad(lambda y: second(parts(torch.cat([x[:2], y]))))(x[2:])
        return torch.cat([mine, theirs])

    torch.testing.assert_close(matrix, torch.func.jacrev(field)(POINT))


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
)
def test_quadratic_games_of_any_number_of_players(sizes, seed):
    """With L_i = x^T Q_i x / 2, v_i is player i's rows of Q_i x, and so is its Jacobian."""
    names, total = [f"player{i}" for i in range(len(sizes))], sum(sizes)
    raw = torch.randn(len(sizes), total, total, generator=torch.Generator().manual_seed(seed))
    forms = (raw + raw.mT).double()

    def objective(form):
        return lambda p: torch.cat([p[n] for n in names]) @ form @ torch.cat([p[n] for n in names])

    game = VectorGame(
        objectives={n: objective(q / 2) for n, q in zip(names, forms, strict=True)},
        sizes=dict(zip(names, sizes, strict=True)),
    )
    rows = [forms[i][game.slices[n]] for i, n in enumerate(names)]
    expected, point = torch.cat(rows), torch.linspace(-1, 1, total).double()
    torch.testing.assert_close(game.field(point), expected @ point)
    torch.testing.assert_close(game.jacobian(point), expected)
    values = np.sort_complex(game.eigenvalues(point).numpy())
    np.testing.assert_allclose(values, np.sort_complex(np.linalg.eigvals(expected)), atol=1e-9)


def test_gradients_can_be_differentiated_again():
    """The gradient of |v|^2 / 2 is J^T v."""
    game = nonlinear()
    game.move_to(POINT)
    half = sum(part.square().sum() for part in game.gradients(differentiable=True)) / 2
    found = torch.cat(torch.autograd.grad(half, game.parameters))
    torch.testing.assert_close(found, game.jacobian(POINT).T @ game.field(POINT))


def test_a_game_of_networks_of_any_shapes_has_the_field_of_backward():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    data = torch.randn(8, 2, dtype=torch.float64)
    player = Player("critic", network, lambda minibatch: {"loss": network(data).square().mean()})
    game = DifferentiableGame([player])
    network(data).square().mean().backward()
    expected = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
    torch.testing.assert_close(game.field(game.point), expected)
    shifted = game.point + 1.0
    game.move_to(shifted)
    assert torch.equal(nn.utils.parameters_to_vector(network.parameters()), shifted)


def test_penalties_of_the_players_are_in_the_field_and_chance_is_not_the_callers():
    """R1 of weight 3 on D(x) = psi x adds 3 psi."""
    game = DiracGAN(loss=Wasserstein(), penalties={"r1": R1(weight=3.0, interval=1)}, target=0.0)
    before = torch.get_rng_state()
    assert game.field(torch.tensor([0.5, 0.2]).double()).tolist() == pytest.approx([1.7, -0.5])
    assert torch.equal(torch.get_rng_state(), before)


def test_players_without_parameters_are_refused():
    with pytest.raises(InputError, match="needs players, and each of them parameters"):
        DifferentiableGame([])
    with pytest.raises(InputError, match="needs players, and each of them parameters"):
        DifferentiableGame([Player("critic", nn.Identity(), lambda minibatch: {})])


def test_where_a_derivative_is_0_over_0_it_is_a_difference():
    """d/dx of the gradient of |x|^4 + 3 x^2 is 6 at 0, where autograd has NaN."""

    def steep(of):
        return torch.linalg.vector_norm(of["alone"]) ** 4 + 3 * of["alone"].square().sum()

    game = VectorGame(objectives={"alone": steep}, sizes={"alone": 1})
    assert game.jacobian(torch.zeros(1).double()).item() == pytest.approx(6, abs=1e-9)


def test_the_field_leaves_no_trace():
    game = nonlinear()
    with torch.no_grad():
        assert not game.field(POINT).requires_grad
    assert not any(player.parameters[0].grad is not None for player in game.players)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "must name the same players"),
        ({"discriminator": 0, "generator": 1}, "discriminator must be a whole number from 1"),
        ({"discriminator": 2}, "must name the same players"),
    ],
)
def test_wrong_games_are_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        VectorGame(objectives={"discriminator": first, "generator": second}, sizes=sizes)


def test_points_of_another_size_are_refused():
    with pytest.raises(InputError, match=r"vector of 3 numbers \(discriminator 2, generator 1\)"):
        nonlinear().field(torch.zeros(4, dtype=torch.float64))


def test_objectives_that_are_no_single_number_are_refused():
    game = VectorGame(objectives={"alone": lambda p: p["alone"] ** 2}, sizes={"alone": 2})
    with pytest.raises(InputError, match=r"player alone must be a single number.*\[2\]"):
        game.field(torch.ones(2, dtype=torch.float64))
