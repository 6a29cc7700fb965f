import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.operators import Simultaneous
from ganzoo.theory.operators_extrapolation import Extragradient, ExtrapolationFromThePast
from ganzoo.theory.operators_memory import Optimistic
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.verdict import linearisation, spectral_radius

XY = Bilinear(matrix=[[1.0]])


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 2))
def test_extragradient_of_a_bilinear_game_has_its_closed_form(rate):
    found = spectral_radius(Extragradient(learning_rate=rate), XY, XY.equilibrium)
    assert found == pytest.approx(np.sqrt((1 - rate**2) ** 2 + rate**2), rel=1e-10)


def test_extragradient_is_the_exponential_to_second_order_but_for_half_a_term():
    """On a linear field J the step is 1 - r J + r^2 J^2; the flow's is exp(-r J)."""
    game = QuadraticSaddle(discriminator_curvature=0.5, generator_curvature=0.1, coupling=2.0)
    matrix = game.jacobian(game.equilibrium).numpy()
    found = linearisation(Extragradient(learning_rate=1e-2), game, game.equilibrium).numpy()
    flow = expm(-1e-2 * matrix)
    np.testing.assert_allclose(found - flow, 1e-4 * matrix @ matrix / 2, atol=5e-6)


@settings(max_examples=20, deadline=None)
@given(rate=st.floats(0.01, 1), seed=st.integers(0, 1000))
def test_extrapolation_from_the_past_has_the_eigenvalues_of_optimism(rate, seed):
    matrix = np.random.default_rng(seed).normal(size=(2, 2)).tolist()
    game = Bilinear(matrix=matrix)
    radii = [
        spectral_radius(operator, game, game.equilibrium)
        for operator in (
            ExtrapolationFromThePast(learning_rate=rate),
            Simultaneous(rule=Optimistic(learning_rate=rate)),
        )
    ]
    assert radii[0] == pytest.approx(radii[1], rel=1e-6)


def test_the_extrapolated_points_are_those_of_optimism():
    """y_{t+1} = y_t - 2 r v(y_t) + r v(y_{t-1}), also off the linear case."""
    game, rate = (
        QuadraticSaddle(discriminator_curvature=0.3, generator_curvature=0.0, coupling=1.0),
        0.1,
    )
    operator = ExtrapolationFromThePast(learning_rate=rate)
    state = operator.initial(game, torch.tensor([1.0, 0.5], dtype=torch.float64))
    ahead = []
    for _ in range(6):
        point, past = state.view(2, 2)
        ahead.append(point - rate * past)
        state = operator.step(game, state)
    for before, now, after in zip(ahead, ahead[1:], ahead[2:], strict=False):
        expected = now - 2 * rate * game.field(now) + rate * game.field(before)
        torch.testing.assert_close(after, expected)


@pytest.mark.parametrize("operator", [Extragradient, ExtrapolationFromThePast])
def test_trajectories_of_a_bilinear_game_arrive(operator):
    start = torch.tensor([1.0, 1.0], dtype=torch.float64)
    points = trajectory(operator(learning_rate=0.4), XY, start=start, steps=300)
    assert points[-1].norm() < 1e-6 * points[0].norm()
