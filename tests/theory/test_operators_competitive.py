import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.theory.game import FunctionGame
from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.operators_competitive import CompetitiveGradientDescent
from ganzoo.theory.verdict import linearisation, spectral_radius

XY = Bilinear(matrix=[[1.0]])


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 20))
def test_a_bilinear_game_is_solved_implicitly_at_any_rate(rate):
    found = spectral_radius(CompetitiveGradientDescent(learning_rate=rate), XY, XY.equilibrium)
    assert found == pytest.approx(1 / np.sqrt(1 + rate**2), rel=1e-9)


def test_a_bilinear_step_is_the_implicit_methods():
    """(1 + r J)^-1, of a matrix with more rows than columns too."""
    game = Bilinear(matrix=[[1.0, 0.5], [0.2, -1.0], [0.7, 0.3]])
    matrix = game.jacobian(game.equilibrium)
    operator = CompetitiveGradientDescent(learning_rate=0.3)
    expected = torch.linalg.inv(torch.eye(5).double() + 0.3 * matrix)
    torch.testing.assert_close(linearisation(operator, game, game.equilibrium), expected)


def test_a_step_is_the_nash_equilibrium_of_the_local_game():
    """Neither player gains by another move: x minimises x.g + x A y + |x|^2 / (2 r)."""
    game = QuadraticSaddle(discriminator_curvature=0.7, generator_curvature=-0.2, coupling=1.5)
    state, rate = torch.tensor([0.4, -1.1], dtype=torch.float64), 0.6
    move = (CompetitiveGradientDescent(learning_rate=rate).step(game, state) - state).tolist()
    slopes, matrix = game.field(state).tolist(), game.jacobian(state)
    assert slopes[0] + matrix[0, 1].item() * move[1] + move[0] / rate == pytest.approx(0, abs=1e-12)
    assert slopes[1] + matrix[1, 0].item() * move[0] + move[1] / rate == pytest.approx(0, abs=1e-12)


def test_other_numbers_of_players_are_refused():
    game = FunctionGame(objectives={"alone": lambda p: p["alone"].sum()}, sizes={"alone": 2})
    with pytest.raises(InputError, match="needs two players, not 1"):
        CompetitiveGradientDescent(learning_rate=0.1).step(game, torch.zeros(2).double())
