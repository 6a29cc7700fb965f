import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from torch.optim import SGD

from ganzoo.errors import InputError
from ganzoo.losses import Minimax
from ganzoo.optim import Alternating, ConsensusOptimization, Simultaneous
from ganzoo.penalties import R1
from ganzoo.theory.dirac import DiracGAN
from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.trajectories import flow_trajectory, measured_rate, trajectory
from ganzoo.theory.update_operator import UpdateOperator
from ganzoo.theory.verdict import analyse

XY = Bilinear(matrix=[[1.0]])
START = torch.tensor([1.0, 0.5], dtype=torch.float64)
TIMES = [0.0, 0.5, 2.0, 7.0]


def descent(rate, rule=None, **more):
    rule = rule or Simultaneous()
    return UpdateOperator(update_rule=rule, optimizer=partial(SGD, lr=rate), **more)


def test_steps_on_a_linear_field_are_powers_of_a_matrix():
    game = QuadraticSaddle(discriminator_curvature=0.3, generator_curvature=0.1, coupling=1.0)
    matrix = np.eye(2) - 0.1 * np.array([[0.3, -1.0], [1.0, 0.1]])
    points = trajectory(descent(0.1), game, start=START, steps=25)
    assert points.shape == (26, 2)
    for step in (0, 1, 10, 25):
        expected = np.linalg.matrix_power(matrix, step) @ START.numpy()
        np.testing.assert_allclose(points[step], expected, atol=1e-12)


def test_the_flow_of_a_linear_field_is_an_exponential():
    game = QuadraticSaddle(discriminator_curvature=0.3, generator_curvature=0.1, coupling=1.0)
    points = flow_trajectory(game.field, start=START, times=TIMES, tolerance=1e-10)
    for time, point in zip(TIMES, points, strict=True):
        expected = expm(-time * np.array([[0.3, -1.0], [1.0, 0.1]])) @ START.numpy()
        np.testing.assert_allclose(point, expected, atol=1e-8)


def test_the_flow_of_the_textbook_example_is_a_circle():
    points = flow_trajectory(
        XY.field, start=START, times=[math.pi / 2, 2 * math.pi], tolerance=1e-10
    )
    np.testing.assert_allclose(points, [[0.5, -1.0], [1.0, 0.5]], atol=1e-8)


def test_the_flow_of_consensus_is_a_spiral():
    """J + w J^T J has the eigenvalues w +- i on V = xy."""
    step = descent(1.0, ConsensusOptimization(weight=0.3))

    def direction(point):
        return point - trajectory(step, XY, start=point, steps=1)[1]

    points = flow_trajectory(direction, start=START, times=[2 * math.pi], tolerance=1e-10)
    np.testing.assert_allclose(points[0], math.exp(-0.6 * math.pi) * START, atol=1e-8)


def test_small_steps_follow_the_flow():
    game = DiracGAN(
        loss=Minimax(label_smoothing=0.0), penalties={"r1": R1(weight=0.5, interval=1)}, target=0.0
    )
    flow = flow_trajectory(game.field, start=START, times=[1.0], tolerance=1e-10)[0]
    errors = [
        (trajectory(descent(1 / n), game, start=START, steps=n)[-1] - flow).norm().item()
        for n in (20, 40)
    ]
    assert errors[0] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)  # Euler's method is of order 1


@settings(max_examples=30, deadline=None)
@given(rate=st.floats(0.5, 1.2), size=st.floats(1e-3, 1e3), skip=st.integers(0, 5))
def test_the_rate_of_a_geometric_sequence_is_its_factor(rate, size, skip):
    target = torch.tensor([2.0, -1.0], dtype=torch.float64)
    points = target + size * rate ** torch.arange(20.0).double()[:, None] * torch.ones(2).double()
    assert measured_rate(points, target, skip=skip) == pytest.approx(rate, rel=1e-6)


def test_arrival_does_not_spoil_the_rate():
    """A sequence that reaches rounding error after 40 of 200 steps."""
    points = (0.5 ** torch.arange(200.0).double())[:, None] + 1e-18
    assert measured_rate(points, torch.zeros(1).double(), skip=0) == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.4, 1.0, 2.0])
def test_rates_predicted_for_a_nonlinear_game_are_measured(gamma):
    """Mescheder et al.'s regularised Dirac-GAN, far into its convergence."""
    penalties = {"r1": R1(weight=gamma, interval=1)}
    game = DiracGAN(loss=Minimax(label_smoothing=0.0), penalties=penalties, target=0.0)
    operator = descent(0.3, Alternating())
    predicted = analyse(operator, game, game.equilibrium, tolerance=1e-9).rate
    points = trajectory(operator, game, start=START, steps=200)
    measured = measured_rate(points, game.equilibrium, skip=60)
    assert measured == pytest.approx(predicted, abs=2e-3)


def test_numbers_that_overflow_are_said_in_one_line():
    game = QuadraticSaddle(discriminator_curvature=-5.0, generator_curvature=0.0, coupling=0.0)
    with pytest.raises(InputError, match="left the range of numbers at step"):
        trajectory(descent(1e3), game, start=START, steps=200)


@pytest.mark.parametrize("times", [[], [1.0, 1.0], [-1.0, 2.0]])
def test_times_must_increase(times):
    with pytest.raises(InputError, match="times must be increasing"):
        flow_trajectory(XY.field, start=START, times=times, tolerance=1e-6)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="steps must be a whole number"):
        trajectory(descent(0.1), XY, start=START, steps=0)
    with pytest.raises(InputError, match="vector of 2 numbers"):
        trajectory(descent(0.1), XY, start=torch.zeros(3).double(), steps=1)
    points = torch.rand(10, 2).double()
    with pytest.raises(InputError, match=r"not \[10, 2\] and \[3\]"):
        measured_rate(points, torch.zeros(3).double(), skip=0)
    with pytest.raises(InputError, match="at least three points"):
        measured_rate(points, torch.zeros(2).double(), skip=8)
