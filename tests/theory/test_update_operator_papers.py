"""What papers prove of optimizers on the bilinear game and near fixed points."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from torch.optim import SGD

from ganzoo import optim
from ganzoo.theory.games import Bilinear, QuadraticSaddle, VectorGame
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.update_operator import Dynamics, UpdateOperator
from ganzoo.theory.verdict import Verdict, analyse, linearisation, spectral_radius

XY = Bilinear(matrix=[[1.0]])


def operator(rule, rate, optimizer=SGD, **more):
    return UpdateOperator(update_rule=rule, optimizer=partial(optimizer, lr=rate), **more)


def radius(*settings, game=XY, **more):
    return spectral_radius(operator(*settings, **more), game, game.equilibrium)


def adjustment(weight, alignment=None):
    return optim.SymplecticGradientAdjustment(weight=weight, alignment=alignment)


def competitive():
    return optim.CompetitiveGradientDescent(tolerance=1e-13, iterations=50)


def heavy_ball(momentum):
    return partial(optim.NegativeMomentumSGD, momentum=momentum)


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 3))
def test_simultaneous_descent_diverges(rate):
    assert radius(optim.Simultaneous(), rate) == pytest.approx(np.sqrt(1 + rate**2), rel=1e-10)


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 1.99), steps=st.integers(1, 3))
def test_alternating_descent_keeps_its_modulus_up_to_a_rate(rate, steps):
    """The eigenvalues are (1 - a^2/2) +- sqrt((1 - a^2/2)^2 - 1) with a = sqrt(steps) rate."""
    middle = 1 - steps * rate**2 / 2
    expected = max(abs(middle + s * np.sqrt(complex(middle**2 - 1))) for s in (1, -1))
    found = radius(optim.Alternating(), rate, discriminator_steps=steps)
    assert found == pytest.approx(expected, rel=1e-5)
    if steps * rate**2 < 3.99:
        assert found == pytest.approx(1, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 2))
def test_extragradient_has_its_closed_form(rate):
    expected = np.sqrt((1 - rate**2) ** 2 + rate**2)
    assert radius(optim.Extragradient(), rate) == pytest.approx(expected, rel=1e-9)


def test_extragradient_is_the_exponential_to_second_order_but_for_half_a_term():
    """On a linear field J the step is 1 - r J + r^2 J^2; the flow's is exp(-r J)."""
    game = QuadraticSaddle(discriminator_curvature=0.5, generator_curvature=0.1, coupling=2.0)
    matrix = game.jacobian(game.equilibrium).numpy()
    found = linearisation(operator(optim.Extragradient(), 1e-2), game, game.equilibrium).numpy()
    flow = expm(-1e-2 * matrix)
    np.testing.assert_allclose(found - flow, 1e-4 * matrix @ matrix / 2, atol=5e-6)


@settings(max_examples=10, deadline=None)
@given(rate=st.floats(0.01, 1), seed=st.integers(0, 1000))
def test_extrapolation_from_the_past_has_the_eigenvalues_of_optimism(rate, seed):
    game = Bilinear(matrix=np.random.default_rng(seed).normal(size=(2, 2)).tolist())
    past = radius(optim.PastExtragradient(), rate, game=game)
    optimistic = radius(optim.Simultaneous(), rate, optim.OptimisticSGD, game=game)
    assert past == pytest.approx(optimistic, rel=1e-6)


def test_the_extrapolated_points_are_those_of_optimism():
    """y_{t+1} = y_t - 2 r v(y_t) + r v(y_{t-1}), and y_t is as far from x_t as it came."""
    game = QuadraticSaddle(discriminator_curvature=0.3, generator_curvature=0.0, coupling=1.0)
    start, rate = torch.tensor([1.0, 0.5], dtype=torch.float64), 0.1
    points = trajectory(operator(optim.PastExtragradient(), rate), game, start=start, steps=8)
    ahead = 2 * points[1:] - points[:-1]
    for before, now, after in zip(ahead, ahead[1:], ahead[2:], strict=False):
        expected = now - 2 * rate * game.field(now) + rate * game.field(before)
        torch.testing.assert_close(after, expected)


@pytest.mark.parametrize("rule", [optim.Extragradient(), optim.PastExtragradient()])
def test_trajectories_of_extrapolating_rules_arrive(rule):
    start = torch.tensor([1.0, 1.0], dtype=torch.float64)
    points = trajectory(operator(rule, 0.4), XY, start=start, steps=300)
    assert points[-1].norm() < 1e-6 * points[0].norm()


def characteristic(rate, momentum, power):
    """(z - 1)^2 (z - b)^2 + rate^2 z^power: power 2 is simultaneous, 3 alternating."""
    factors = np.polymul(np.poly([1, 1]), np.poly([momentum, momentum]))
    return np.roots(np.polyadd(factors, [rate**2] + [0] * power))


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.05, 3), momentum=st.floats(-0.9, 0.9))
def test_momentum_has_the_roots_of_its_polynomial(rate, momentum):
    for rule, power in ((optim.Simultaneous(), 2), (optim.Alternating(), 3)):
        expected = abs(characteristic(rate, momentum, power)).max()
        assert radius(rule, rate, heavy_ball(momentum)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.8])
def test_only_negative_momentum_with_alternating_updates_converges(rate):
    """Gidel et al. (2019, arXiv:1807.04740)."""
    for momentum in (-0.8, -0.5, -0.2, 0.0, 0.3, 0.8):
        at_once, in_turn = (
            analyse(
                operator(rule, rate, heavy_ball(momentum)), XY, XY.equilibrium, tolerance=1e-9
            ).verdict
            for rule in (optim.Simultaneous(), optim.Alternating())
        )
        assert at_once is Verdict.DIVERGES
        converges = momentum < 0 and rate < 2 * (1 + momentum)
        expected = Verdict.CONVERGES if converges else Verdict.DIVERGES
        assert in_turn is (expected if momentum else Verdict.CYCLES)


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 1))
def test_optimism_has_the_roots_of_its_polynomial(rate):
    roots = [np.roots([1, -(1 - 2j * s * rate), -1j * s * rate]) for s in (1, -1)]
    expected = abs(np.concatenate(roots)).max()
    found = radius(optim.Simultaneous(), rate, optim.OptimisticSGD)
    assert found == pytest.approx(expected, rel=1e-6)
    assert (expected < 1) == (rate < 1 / np.sqrt(3))


def test_optimistic_steps_by_hand():
    """On V = xy from (1, 2) with rate 1/10; the velocity is (y, -x)."""
    moved = operator(optim.Simultaneous(), 0.1, optim.OptimisticSGD)
    points = trajectory(moved, XY, start=torch.tensor([1.0, 2.0]).double(), steps=2)
    np.testing.assert_allclose(points[1], [1 + 0.4, 2 - 0.2])
    second = [1.4 + 0.2 * 1.8 - 0.1 * 2, 1.8 - 0.2 * 1.4 + 0.1 * 1]
    np.testing.assert_allclose(points[2], second)


@settings(max_examples=10, deadline=None)
@given(rate=st.floats(0.01, 0.5), steps=st.integers(1, 6), weight=st.floats(0.05, 1))
def test_lookahead_mixes_eigenvalues_with_one(rate, steps, weight):
    rule = optim.Lookahead(optim.Simultaneous(), steps=steps, weight=weight)
    expected = abs(1 - weight + weight * (1 + 1j * rate) ** steps)
    assert radius(rule, rate, iterations=steps) == pytest.approx(expected, rel=1e-9)


def test_lookahead_makes_a_diverging_method_converge():
    assert radius(optim.Simultaneous(), 0.3) > 1
    rule = optim.Lookahead(optim.Simultaneous(), steps=5, weight=0.5)
    assert radius(rule, 0.3, iterations=5) < 0.9


def test_the_whole_way_of_lookahead_is_the_other_rule_several_times():
    rule = optim.Lookahead(optim.Alternating(), steps=3, weight=1.0)
    found = operator(rule, 0.3, heavy_ball(-0.3), iterations=3)
    once = operator(optim.Alternating(), 0.3, heavy_ball(-0.3))
    cubed = torch.linalg.matrix_power(linearisation(once, XY, XY.equilibrium), 3)
    expected = np.poly(cubed.numpy())  # and zeros, of the place that was remembered
    coefficients = np.poly(linearisation(found, XY, XY.equilibrium).numpy())
    np.testing.assert_allclose(coefficients, np.pad(expected, (0, 2)), atol=1e-9)


def test_optimizers_keep_their_memory_where_points_go_back():
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    plain = Dynamics(operator(optim.Simultaneous(), 0.3, heavy_ball(0.5)), XY, start)
    plain.step()
    plain.step()
    ahead = plain.state()
    rule = optim.Lookahead(optim.Simultaneous(), steps=2, weight=0.25)
    back = Dynamics(operator(rule, 0.3, heavy_ball(0.5), iterations=2), XY, start)
    back.step()
    torch.testing.assert_close(back.state()[:2], 0.75 * start + 0.25 * ahead[:2])
    torch.testing.assert_close(back.state()[2:4], ahead[2:])


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 1), weight=st.floats(0, 3))
def test_both_adjustments_have_one_closed_form(rate, weight):
    expected = np.sqrt((1 - rate * weight) ** 2 + rate**2)
    for rule in (optim.ConsensusOptimization(weight=weight), adjustment(weight)):
        assert radius(rule, rate) == pytest.approx(expected, rel=1e-9)


def direction(rule, game, point, rate=0.1):
    """Where a rule leads, with gradient descent, per unit of the learning rate."""
    return (point - trajectory(operator(rule, rate), game, start=point, steps=1)[1]) / rate


def test_the_adjustment_of_a_single_players_problem_is_nothing():
    """Where J is symmetric its antisymmetric part is zero: gradient descent is left."""
    game = VectorGame(
        objectives={"alone": lambda of: of["alone"].prod() + of["alone"].pow(4).sum()},
        sizes={"alone": 3},
    )
    point = torch.tensor([0.5, -1.0, 0.7], dtype=torch.float64)
    torch.testing.assert_close(direction(adjustment(2.0), game, point), game.field(point))


def curved():
    return VectorGame(
        objectives={
            "discriminator": lambda of: (of["discriminator"] ** 2 * of["generator"].sin()).sum(),
            "generator": lambda of: (of["generator"] ** 3 * of["discriminator"].exp()).sum(),
        },
        sizes={"discriminator": 2, "generator": 2},
    )


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_alignment_chooses_the_sign_that_points_the_way_the_field_goes(seed):
    """Recomputed from the matrices by numpy, with Balduzzi et al.'s rule."""
    game = curved()
    point = torch.randn(4, generator=torch.Generator().manual_seed(seed)).double()
    matrix, field = game.jacobian(point).numpy(), game.field(point).numpy()
    added, slope = (matrix - matrix.T).T @ field / 2, matrix.T @ field
    sign = np.sign((field @ slope) * (added @ slope) / 4 + 0.1)
    found = direction(adjustment(0.5, optim.SignAlignment(offset=0.1)), game, point)
    np.testing.assert_allclose(found, field + 0.5 * sign * added, atol=1e-9)


def test_alignment_turns_the_adjustment_away_from_an_unstable_point():
    """Balduzzi et al.'s example: with both curvatures negative the origin must repel."""
    game = QuadraticSaddle(discriminator_curvature=-1.0, generator_curvature=-1.0, coupling=3.0)
    point = torch.tensor([3.0, 2.0], dtype=torch.float64)
    inwards = [
        float((direction(adjustment(1.0, alignment), game, point) - game.field(point)) @ point) > 0
        for alignment in (None, optim.SignAlignment(offset=0.1))
    ]
    assert inwards == [True, False]  # drawn to the origin, and driven from it


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 20))
def test_competitive_descent_is_implicit_at_any_rate(rate):
    assert radius(competitive(), rate) == pytest.approx(1 / np.sqrt(1 + rate**2), rel=1e-9)


def test_a_competitive_step_is_the_nash_equilibrium_of_the_local_game():
    """Neither player gains by another move: x minimises x.g + x A y + |x|^2 / (2 r)."""
    game = QuadraticSaddle(discriminator_curvature=0.7, generator_curvature=-0.2, coupling=1.5)
    point, rate = torch.tensor([0.4, -1.1], dtype=torch.float64), 0.6
    move = (-rate * direction(competitive(), game, point, rate)).tolist()
    slopes, matrix = game.field(point).tolist(), game.jacobian(point)
    assert slopes[0] + matrix[0, 1].item() * move[1] + move[0] / rate == pytest.approx(0, abs=1e-9)
    assert slopes[1] + matrix[1, 0].item() * move[0] + move[1] / rate == pytest.approx(0, abs=1e-9)
