"""Simultaneous and alternating updates, and what every operator has in common."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from ganzoo.errors import InputError
from ganzoo.theory.game import FunctionGame
from ganzoo.theory.games import Bilinear
from ganzoo.theory.operators import Alternating, GradientDescent, Simultaneous
from ganzoo.theory.operators_adaptive import FrozenAdam
from ganzoo.theory.operators_competitive import CompetitiveGradientDescent
from ganzoo.theory.operators_extrapolation import Extragradient, ExtrapolationFromThePast
from ganzoo.theory.operators_lookahead import LookaheadMinimax
from ganzoo.theory.operators_memory import HeavyBall, Optimistic
from ganzoo.theory.operators_second_order import (
    AlignedSymplecticGradientAdjustment,
    Consensus,
    SymplecticGradientAdjustment,
)
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.verdict import linearisation, spectral_radius

XY = Bilinear(matrix=[[1.0]])
RATE = 0.2
OPERATORS = [
    Simultaneous(rule=GradientDescent(learning_rate=RATE)),
    Alternating(rule=GradientDescent(learning_rate=RATE), discriminator_steps=2),
    Alternating(rule=HeavyBall(learning_rate=RATE, momentum=-0.4), discriminator_steps=1),
    Simultaneous(rule=Optimistic(learning_rate=RATE)),
    Alternating(
        rule=FrozenAdam(learning_rate=RATE, epsilon=0.1, first_beta=0.5, second_moment=2.0),
        discriminator_steps=1,
    ),
    Extragradient(learning_rate=RATE),
    ExtrapolationFromThePast(learning_rate=RATE),
    Consensus(learning_rate=RATE, weight=0.7),
    SymplecticGradientAdjustment(learning_rate=RATE, weight=0.7),
    AlignedSymplecticGradientAdjustment(learning_rate=RATE, weight=0.7, epsilon=0.1),
    CompetitiveGradientDescent(learning_rate=RATE),
    LookaheadMinimax(
        operator=Alternating(
            rule=HeavyBall(learning_rate=RATE, momentum=0.3), discriminator_steps=1
        ),
        steps=3,
        interpolation=0.5,
    ),
]
every_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda o: type(o).__name__)


def nonlinear():
    """A game without symmetry, with a fixed point at the origin."""

    def first(p):
        x, y = p["discriminator"], p["generator"]
        return (x.square() * (1 + y.sum()) + x * y.sin() - x**3).sum() / 2

    def second(p):
        x, y = p["discriminator"], p["generator"]
        return (y.square() / 3 - 2 * x * y + (x * y).square() + y**4).sum()

    return FunctionGame(
        objectives={"discriminator": first, "generator": second},
        sizes={"discriminator": 2, "generator": 2},
    )


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 3))
def test_simultaneous_descent_of_a_bilinear_game_diverges(rate):
    operator = Simultaneous(rule=GradientDescent(learning_rate=rate))
    expected = np.sqrt(1 + rate**2)
    assert spectral_radius(operator, XY, XY.equilibrium) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 1.99), steps=st.integers(1, 3))
def test_alternating_descent_of_a_bilinear_game_keeps_its_modulus_up_to_a_rate(rate, steps):
    """The eigenvalues are (1 - a^2/2) +- sqrt((1 - a^2/2)^2 - 1) with a = sqrt(steps) rate."""
    operator = Alternating(rule=GradientDescent(learning_rate=rate), discriminator_steps=steps)
    middle = 1 - steps * rate**2 / 2
    expected = max(abs(middle + s * np.sqrt(complex(middle**2 - 1))) for s in (1, -1))
    found = spectral_radius(operator, XY, XY.equilibrium)
    assert found == pytest.approx(expected, rel=1e-6)
    if steps * rate**2 < 3.99:
        assert found == pytest.approx(1, abs=1e-6)


def test_alternating_updates_happen_in_turn():
    """By hand on V = xy: x <- x + r y, twice, then y <- y - r x with the new x."""
    operator = Alternating(rule=GradientDescent(learning_rate=0.5), discriminator_steps=2)
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert operator.step(XY, operator.initial(XY, start)).tolist() == [3.0, 0.5]
    operator = Simultaneous(rule=GradientDescent(learning_rate=0.5))
    assert operator.step(XY, operator.initial(XY, start)).tolist() == [2.0, 1.5]


@every_operator
def test_the_state_at_rest_stays(operator):
    game = nonlinear()
    rest = operator.at_rest(game, torch.zeros(4, dtype=torch.float64))
    torch.testing.assert_close(operator.step(game, rest), rest, atol=1e-15, rtol=0)


@every_operator
def test_linearisations_agree_with_differences(operator):
    game, zero = nonlinear(), torch.zeros(4, dtype=torch.float64)
    rest = operator.at_rest(game, zero).numpy()

    def step(state):
        return operator.step(game, torch.from_numpy(state)).numpy()

    ahead, behind = approx_fprime(rest, step, 1e-6), approx_fprime(rest, step, -1e-6)
    found = linearisation(operator, game, zero).numpy()
    np.testing.assert_allclose(found, (ahead + behind) / 2, atol=1e-7)


@every_operator
def test_steps_are_the_same_with_and_without_a_graph(operator):
    game = nonlinear()
    state = operator.initial(game, torch.tensor([0.3, -0.2, 0.5, 0.1], dtype=torch.float64))
    plain = operator.step(game, state)
    assert not plain.requires_grad
    tracked = operator.step(game, state.clone().requires_grad_())
    assert tracked.requires_grad
    torch.testing.assert_close(tracked.detach(), plain, atol=1e-14, rtol=0)


@every_operator
def test_the_learning_rate_can_be_changed(operator):
    game, zero = nonlinear(), torch.zeros(4, dtype=torch.float64)
    slower = operator.with_learning_rate(RATE / 2)
    assert type(slower) is type(operator)
    assert slower.with_learning_rate(RATE) == operator
    change = linearisation(slower, game, zero) - linearisation(operator, game, zero)
    assert change.abs().max() > 0.01
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        operator.with_learning_rate(0.0)


@every_operator
def test_points_of_another_size_are_refused(operator):
    with pytest.raises(InputError, match="vector of 4 numbers"):
        operator.initial(nonlinear(), torch.zeros(3, dtype=torch.float64))


class Boxed(Bilinear):
    """A game whose points stay in the unit box."""

    def constrain(self, point):
        return point.clamp(-1, 1)


@every_operator
def test_constraints_hold_after_every_step(operator):
    points = trajectory(
        operator.with_learning_rate(0.9),
        Boxed(matrix=[[1.0, 0.5], [0.2, 1.0]]),
        start=torch.tensor([3.0, -1.0, 0.7, 0.9], dtype=torch.float64),
        steps=30,
    )
    assert points.abs().max() <= 1


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan")])
def test_learning_rates_that_are_not_positive_are_refused(rate):
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        GradientDescent(learning_rate=rate)
    with pytest.raises(InputError, match="learning_rate must be a positive number"):
        Extragradient(learning_rate=rate)


def test_steps_of_the_discriminator_are_whole_numbers():
    with pytest.raises(InputError, match="discriminator_steps must be a whole number"):
        Alternating(rule=GradientDescent(learning_rate=0.1), discriminator_steps=0)
