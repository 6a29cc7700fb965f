import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.theory.game import FunctionGame
from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.operators import GradientDescent, Simultaneous
from ganzoo.theory.operators_second_order import (
    AlignedSymplecticGradientAdjustment,
    Consensus,
    SymplecticGradientAdjustment,
    field_and_products,
)
from ganzoo.theory.verdict import linearisation, spectral_radius

XY = Bilinear(matrix=[[1.0]])


def curved():
    return FunctionGame(
        objectives={
            "discriminator": lambda p: (p["discriminator"] ** 2 * p["generator"].sin()).sum(),
            "generator": lambda p: (p["generator"] ** 3 * p["discriminator"].exp()).sum(),
        },
        sizes={"discriminator": 2, "generator": 2},
    )


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 1), weight=st.floats(0, 3))
def test_both_adjustments_of_a_bilinear_game_have_one_closed_form(rate, weight):
    expected = np.sqrt((1 - rate * weight) ** 2 + rate**2)
    for make in (Consensus, SymplecticGradientAdjustment):
        operator = make(learning_rate=rate, weight=weight)
        found = spectral_radius(operator, XY, XY.equilibrium)
        assert found == pytest.approx(expected, rel=1e-10)


def test_products_are_those_with_the_matrix():
    game, point = curved(), torch.tensor([0.3, -0.5, 0.8, 1.2], dtype=torch.float64)
    field, transposed, product = field_and_products(game, point)
    matrix = game.jacobian(point)
    torch.testing.assert_close(field, game.field(point))
    torch.testing.assert_close(transposed, matrix.T @ field)
    torch.testing.assert_close(product, matrix @ field)


def test_consensus_linearises_to_the_jacobian_and_its_gram_matrix():
    """At a fixed point the derivative of J^T v is J^T J."""
    game = QuadraticSaddle(discriminator_curvature=0.5, generator_curvature=-0.3, coupling=2.0)
    matrix = game.jacobian(game.equilibrium)
    found = linearisation(Consensus(learning_rate=0.1, weight=0.4), game, game.equilibrium)
    expected = torch.eye(2).double() - 0.1 * (matrix + 0.4 * matrix.T @ matrix)
    torch.testing.assert_close(found, expected)


def test_the_adjustment_of_a_single_players_problem_is_nothing():
    """Where J is symmetric its antisymmetric part is zero: gradient descent is left."""
    game = FunctionGame(
        objectives={"alone": lambda p: p["alone"].prod() + p["alone"].pow(4).sum()},
        sizes={"alone": 3},
    )
    state = torch.tensor([0.5, -1.0, 0.7], dtype=torch.float64)
    plain = Simultaneous(rule=GradientDescent(learning_rate=0.1)).step(game, state)
    adjusted = SymplecticGradientAdjustment(learning_rate=0.1, weight=2.0).step(game, state)
    torch.testing.assert_close(adjusted, plain)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_alignment_chooses_the_sign_that_points_the_way_the_field_goes(seed):
    """Recomputed from the matrices by numpy, with Balduzzi et al.'s rule."""
    game = curved()
    point = torch.randn(4, generator=torch.Generator().manual_seed(seed)).double()
    matrix, field = game.jacobian(point).numpy(), game.field(point).numpy()
    adjustment, slope = (matrix - matrix.T).T @ field / 2, matrix.T @ field
    sign = np.sign((field @ slope) * (adjustment @ slope) / 4 + 0.1)
    operator = AlignedSymplecticGradientAdjustment(learning_rate=0.1, weight=0.5, epsilon=0.1)
    found = operator.direction(game, point).numpy()
    np.testing.assert_allclose(found, field + 0.5 * sign * adjustment, atol=1e-9)


def test_alignment_turns_the_adjustment_away_from_an_unstable_point():
    """Balduzzi et al.'s example: with both curvatures negative the origin must repel."""
    game = QuadraticSaddle(discriminator_curvature=-1.0, generator_curvature=-1.0, coupling=3.0)
    point = torch.tensor([3.0, 2.0], dtype=torch.float64)
    signs = []
    for make, more in (
        (SymplecticGradientAdjustment, {}),
        (AlignedSymplecticGradientAdjustment, {"epsilon": 0.1}),
    ):
        operator = make(learning_rate=0.1, weight=1.0, **more)
        added = operator.direction(game, point) - game.field(point)
        signs.append((added @ point).item() > 0)
    assert signs == [True, False]  # drawn to the origin, and driven from it


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Consensus(learning_rate=0.1, weight=-1.0), "weight must be zero or a positive"),
        (lambda: Consensus(learning_rate=0.0, weight=1.0), "learning_rate must be a positive"),
        (
            lambda: AlignedSymplecticGradientAdjustment(learning_rate=0.1, weight=1.0, epsilon=0.0),
            "epsilon must be a positive",
        ),
    ],
)
def test_wrong_numbers_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
