import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.theory.games import Bilinear
from ganzoo.theory.operators import Alternating, GradientDescent, Simultaneous
from ganzoo.theory.operators_lookahead import LookaheadMinimax
from ganzoo.theory.operators_memory import HeavyBall
from ganzoo.theory.verdict import linearisation, spectral_radius

XY = Bilinear(matrix=[[1.0]])


def around(operator, steps, interpolation):
    return LookaheadMinimax(operator=operator, steps=steps, interpolation=interpolation)


@settings(max_examples=15, deadline=None)
@given(
    rate=st.floats(0.01, 0.5),
    steps=st.integers(1, 6),
    interpolation=st.floats(0.05, 1),
)
def test_eigenvalues_are_mixed_with_one(rate, steps, interpolation):
    inner = Simultaneous(rule=GradientDescent(learning_rate=rate))
    expected = abs(1 - interpolation + interpolation * (1 + 1j * rate) ** steps)
    found = spectral_radius(around(inner, steps, interpolation), XY, XY.equilibrium)
    assert found == pytest.approx(expected, rel=1e-10)


def test_it_makes_a_diverging_method_converge():
    inner = Simultaneous(rule=GradientDescent(learning_rate=0.3))
    assert spectral_radius(inner, XY, XY.equilibrium) > 1
    assert spectral_radius(around(inner, 5, 0.5), XY, XY.equilibrium) < 0.9


def test_the_whole_way_is_the_other_operator_several_times():
    inner = Alternating(rule=HeavyBall(learning_rate=0.3, momentum=-0.3), discriminator_steps=1)
    once = linearisation(inner, XY, XY.equilibrium)
    found = linearisation(around(inner, 3, 1.0), XY, XY.equilibrium)
    torch.testing.assert_close(found, torch.linalg.matrix_power(once, 3))


def test_memory_is_kept_where_points_go_back():
    inner = Simultaneous(rule=HeavyBall(learning_rate=0.3, momentum=0.5))
    start = inner.initial(XY, torch.tensor([1.0, 2.0], dtype=torch.float64))
    ahead = inner.step(XY, inner.step(XY, start))
    found = around(inner, 2, 0.25).step(XY, start)
    torch.testing.assert_close(found[:2], 0.75 * start[:2] + 0.25 * ahead[:2])
    torch.testing.assert_close(found[2:], ahead[2:])


@pytest.mark.parametrize(("steps", "interpolation"), [(0, 0.5), (5, 0.0), (5, 1.5)])
def test_wrong_numbers_are_refused(steps, interpolation):
    inner = Simultaneous(rule=GradientDescent(learning_rate=0.3))
    with pytest.raises(InputError, match="must be"):
        around(inner, steps, interpolation)
