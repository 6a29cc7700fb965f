import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.operators import Alternating, Simultaneous
from ganzoo.theory.operators_memory import HeavyBall, Optimistic
from ganzoo.theory.trajectories import trajectory
from ganzoo.theory.verdict import Verdict, analyse, spectral_radius

XY = Bilinear(matrix=[[1.0]])


def alternating(rule):
    return Alternating(rule=rule, discriminator_steps=1)


def characteristic(rate, momentum, power):
    """(z - 1)^2 (z - b)^2 + rate^2 z^power: power 2 is simultaneous, 3 alternating."""
    factors = np.polymul(np.poly([1, 1]), np.poly([momentum, momentum]))
    return np.roots(np.polyadd(factors, [rate**2] + [0] * power))


@settings(max_examples=20, deadline=None)
@given(rate=st.floats(0.05, 3), momentum=st.floats(-0.9, 0.9))
def test_momentum_on_a_bilinear_game_has_the_roots_of_its_polynomial(rate, momentum):
    rule = HeavyBall(learning_rate=rate, momentum=momentum)
    for operator, power in ((Simultaneous(rule=rule), 2), (alternating(rule), 3)):
        expected = abs(characteristic(rate, momentum, power)).max()
        found = spectral_radius(operator, XY, XY.equilibrium)
        assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.8])
def test_only_negative_momentum_with_alternating_updates_converges(rate):
    """Gidel et al. (2019, arXiv:1807.04740)."""
    for momentum in (-0.8, -0.5, -0.2, 0.0, 0.3, 0.8):
        rule = HeavyBall(learning_rate=rate, momentum=momentum)
        simultaneous = analyse(Simultaneous(rule=rule), XY, XY.equilibrium, tolerance=1e-9)
        in_turn = analyse(alternating(rule), XY, XY.equilibrium, tolerance=1e-9)
        assert simultaneous.verdict is Verdict.DIVERGES
        converges = momentum < 0 and rate < 2 * (1 + momentum)
        expected = Verdict.CONVERGES if converges else Verdict.DIVERGES
        assert in_turn.verdict is (expected if momentum else Verdict.CYCLES)


def test_momentum_steps_are_those_of_torch():
    """torch.optim.SGD keeps u / -lr in place of u."""
    game = QuadraticSaddle(discriminator_curvature=0.4, generator_curvature=0.2, coupling=1.0)
    start = torch.tensor([1.0, -0.5], dtype=torch.float64)
    rule = HeavyBall(learning_rate=0.1, momentum=0.6)
    found = trajectory(Simultaneous(rule=rule), game, start=start, steps=20)[-1]
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([weights], lr=0.1, momentum=0.6)
    for _ in range(20):
        weights.grad = game.field(weights.detach())
        optimizer.step()
    torch.testing.assert_close(found, weights.detach())


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.01, 1))
def test_optimism_on_a_bilinear_game_has_the_roots_of_its_polynomial(rate):
    roots = [np.roots([1, -(1 - 2j * s * rate), -1j * s * rate]) for s in (1, -1)]
    operator = Simultaneous(rule=Optimistic(learning_rate=rate))
    expected = abs(np.concatenate(roots)).max()
    assert spectral_radius(operator, XY, XY.equilibrium) == pytest.approx(expected, rel=1e-6)
    assert (expected < 1) == (rate < 1 / np.sqrt(3))


def test_optimistic_steps_by_hand():
    """On V = xy from (1, 2) with rate 1/10; the velocity is (y, -x)."""
    operator = Simultaneous(rule=Optimistic(learning_rate=0.1))
    points = trajectory(operator, XY, start=torch.tensor([1.0, 2.0]).double(), steps=2)
    np.testing.assert_allclose(points[1], [1 + 0.4, 2 - 0.2])
    second = [1.4 + 0.2 * 1.8 - 0.1 * 2, 1.8 - 0.2 * 1.4 + 0.1 * 1]
    np.testing.assert_allclose(points[2], second)


@pytest.mark.parametrize("momentum", [-1.0, 1.0, float("nan")])
def test_momentum_outside_its_range_is_refused(momentum):
    with pytest.raises(InputError, match="momentum must be above -1 and below 1"):
        HeavyBall(learning_rate=0.1, momentum=momentum)
