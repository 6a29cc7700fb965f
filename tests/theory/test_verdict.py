import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import SGD

from ganzoo import optim
from ganzoo.errors import InputError
from ganzoo.losses import Minimax
from ganzoo.optim import Alternating, Extragradient, Simultaneous
from ganzoo.theory.games import Bilinear, QuadraticSaddle, VectorGame
from ganzoo.theory.gaussian_games import GaussianMeanGAN
from ganzoo.theory.trajectories import measured_rate, trajectory
from ganzoo.theory.update_operator import UpdateOperator
from ganzoo.theory.verdict import (
    Verdict,
    analyse,
    analyse_flow,
    differentiable,
    linearisation,
)

number = st.floats(-2, 2).map(lambda x: round(x, 2))
TOLERANCE = 1e-9


def saddle(a, b, c):
    return QuadraticSaddle(discriminator_curvature=a, generator_curvature=b, coupling=c)


def descent(rate, rule=None, optimizer=SGD, **more):
    rule = rule or Simultaneous()
    return UpdateOperator(update_rule=rule, optimizer=partial(optimizer, lr=rate), **more)


def alone(function, size=1):
    return VectorGame(objectives={"alone": lambda of: function(of["alone"])}, sizes={"alone": size})


@settings(max_examples=25, deadline=None)
@given(a=number, b=number, c=number)
def test_flows_of_saddles_are_judged_by_trace_and_determinant(a, b, c):
    """In the plane: where the trace of J and its determinant are positive it converges."""
    game = saddle(a, b, c)
    trace, determinant = a + b, a * b + c**2
    found = analyse_flow(game, game.equilibrium, tolerance=TOLERANCE).verdict
    if determinant > 1e-6 and trace > 1e-6:
        assert found is Verdict.CONVERGES
    elif determinant < -1e-6 or trace < -1e-6:
        assert found is Verdict.DIVERGES
    elif determinant > 1e-6 and abs(trace) < 1e-12:
        assert found is Verdict.CYCLES


def test_linearisation_of_simultaneous_descent():
    game = saddle(0.5, 0.2, 2.0)
    expected = torch.eye(2).double() - 0.1 * game.jacobian(game.equilibrium)
    torch.testing.assert_close(linearisation(descent(0.1), game, game.equilibrium), expected)


@pytest.mark.parametrize(
    ("game", "rate", "verdict"),
    [
        (saddle(1.0, 1.0, 1.0), 0.5, Verdict.CONVERGES),
        (saddle(1.0, 1.0, 1.0), 1.5, Verdict.DIVERGES),
        (saddle(1.0, 0.0, 0.0), 0.5, Verdict.UNDECIDED),  # the generator stays where it is
    ],
)
def test_verdicts_of_descent(game, rate, verdict):
    assert analyse(descent(rate), game, game.equilibrium, tolerance=TOLERANCE).verdict is verdict


def test_a_rotation_by_half_a_turn_is_undecided():
    """At rate 2 alternating descent of V = xy has -1 twice, and grows with the steps."""
    operator = descent(2.0, Alternating())
    game = Bilinear(matrix=[[1.0]])
    assert analyse(operator, game, game.equilibrium, tolerance=1e-7).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    "operator",
    [
        descent(0.3),
        descent(0.3, Extragradient()),
        descent(0.3, Alternating(), discriminator_steps=2),
        descent(0.3, Alternating(), partial(SGD, momentum=0.1)),
    ],
)
def test_predicted_rates_are_those_of_trajectories(operator):
    game = saddle(0.4, 0.1, 1.0)
    predicted = analyse(operator, game, game.equilibrium, tolerance=TOLERANCE).rate
    points = trajectory(operator, game, start=torch.tensor([1.0, 1.0]).double(), steps=300)
    measured = measured_rate(points, game.equilibrium, skip=20)
    assert measured == pytest.approx(predicted, abs=2e-3)


NOISY = GaussianMeanGAN(loss=Minimax(label_smoothing=0.0), mean=[1.0], deviation=1.0, nodes=12)
RUNS = {
    "alternating": descent(0.2, Alternating()),
    "simultaneous": descent(0.2),
    "extragradient": descent(0.2, Extragradient()),
    "past_extragradient": descent(0.2, optim.PastExtragradient()),
    "consensus": descent(0.2, optim.ConsensusOptimization(weight=0.5)),
    "symplectic_gradient_adjustment": descent(
        0.2, optim.SymplecticGradientAdjustment(weight=0.5, alignment=None)
    ),
    "competitive_gradient_descent": descent(
        0.2, optim.CompetitiveGradientDescent(tolerance=1e-10, iterations=20)
    ),
    "lookahead": descent(0.2, optim.Lookahead(Alternating(), steps=5, weight=0.5), iterations=5),
    "optimistic": descent(0.2, optimizer=optim.OptimisticSGD),
    "negative_momentum": descent(
        0.2, Alternating(), partial(optim.NegativeMomentumSGD, momentum=-0.3)
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_every_rule_learns_a_gaussian_at_the_rate_that_is_predicted(name):
    target, steps = NOISY.equilibrium, 300 // RUNS[name].iterations
    predicted = analyse(RUNS[name], NOISY, target, tolerance=1e-9).rate
    points = trajectory(RUNS[name], NOISY, start=torch.full((2,), 0.4).double(), steps=steps)
    measured = measured_rate(points, target, skip=steps // 3)
    assert predicted < 1
    assert (points[-1] - target).norm() < 0.1 * (points[0] - target).norm()
    assert math.log(measured) == pytest.approx(math.log(predicted), rel=0.1)


def test_eigenvalues_come_with_the_deciding_one_first():
    game = saddle(2.0, 0.5, 0.0)
    found = analyse(descent(0.1), game, game.equilibrium, tolerance=TOLERANCE)
    np.testing.assert_allclose(found.eigenvalues.real, [0.95, 0.8])
    flow = analyse_flow(game, game.equilibrium, tolerance=TOLERANCE)
    np.testing.assert_allclose(flow.eigenvalues.real, [-0.5, -2.0])
    assert flow.rate == pytest.approx(math.exp(-0.5))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: x.pow(2).sum(), True),
        (lambda x: x.pow(4).sum() + 5 * x.pow(3).sum(), True),
        (lambda x: x.abs().pow(1.5).sum(), False),  # infinitely steep
        (lambda x: (x.abs() - 1).square().sum(), False),  # a jump
        (lambda x: (x * x.abs()).sum(), False),  # a kink
        (lambda x: (x[0] * x[1]).abs(), False),  # a kink between the axes
    ],
)
def test_fields_with_jumps_and_kinks_have_no_derivative(function, expected):
    zero = torch.zeros(2, dtype=torch.float64)
    assert differentiable(alone(function, 2), zero) is expected


def test_points_that_are_not_fixed_are_refused():
    game, point = Bilinear(matrix=[[1.0]]), torch.tensor([0.0, 0.5], dtype=torch.float64)
    for judge in (
        lambda: analyse(descent(0.1), game, point, tolerance=TOLERANCE),
        lambda: analyse_flow(game, point, tolerance=TOLERANCE),
        lambda: linearisation(descent(0.1), game, point),
    ):
        with pytest.raises(InputError, match="no fixed point of the game: its field is up to 0.5"):
            judge()


def test_tolerances_must_be_positive():
    game = Bilinear(matrix=[[1.0]])
    with pytest.raises(InputError, match="tolerance must be a positive number"):
        analyse(descent(0.1), game, game.equilibrium, tolerance=0.0)
