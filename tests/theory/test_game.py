import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from ganzoo.errors import InputError
from ganzoo.theory.game import FunctionGame

POINT = torch.tensor([0.4, -0.7, 1.1], dtype=torch.float64)


def first(p):
    return (p["discriminator"].square().sum() * p["generator"].sin()).sum()


def second(p):
    return (p["generator"] ** 3 - p["generator"] * p["discriminator"].prod()).sum()


def nonlinear():
    return FunctionGame(
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

    game = FunctionGame(
        objectives={n: objective(q / 2) for n, q in zip(names, forms, strict=True)},
        sizes=dict(zip(names, sizes, strict=True)),
    )
    rows = [forms[i][game.slices[n]] for i, n in enumerate(names)]
    expected, point = torch.cat(rows), torch.linspace(-1, 1, total).double()
    torch.testing.assert_close(game.field(point), expected @ point)
    torch.testing.assert_close(game.jacobian(point), expected)
    values = np.sort_complex(game.eigenvalues(point).numpy())
    np.testing.assert_allclose(values, np.sort_complex(np.linalg.eigvals(expected)), atol=1e-9)


def test_the_field_can_be_differentiated_again():
    """The gradient of |v|^2 / 2 is J^T v."""
    game, point = nonlinear(), POINT.clone().requires_grad_()
    (found,) = torch.autograd.grad(game.field(point).square().sum() / 2, point)
    torch.testing.assert_close(found, game.jacobian(POINT).T @ game.field(POINT))


def test_the_field_leaves_no_trace():
    game = nonlinear()
    with torch.no_grad():
        assert not game.field(POINT).requires_grad
    assert POINT.grad is None and not POINT.requires_grad


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "at least one player"),
        ({"discriminator": 0, "generator": 1}, "discriminator must be a whole number from 1"),
        ({"discriminator": 2}, "must name the same players"),
    ],
)
def test_wrong_games_are_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        FunctionGame(objectives={"discriminator": first, "generator": second}, sizes=sizes)


def test_points_of_another_size_are_refused():
    with pytest.raises(InputError, match=r"vector of 3 numbers \(discriminator 2, generator 1\)"):
        nonlinear().field(torch.zeros(4, dtype=torch.float64))


def test_objectives_that_are_no_single_number_are_refused():
    game = FunctionGame(objectives={"alone": lambda p: p["alone"] ** 2}, sizes={"alone": 2})
    with pytest.raises(InputError, match=r"player alone must be a single number.*\[2\]"):
        game.field(torch.ones(2, dtype=torch.float64))
