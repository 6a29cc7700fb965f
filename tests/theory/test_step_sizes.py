import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.optim import SGD

from ganzoo import optim
from ganzoo.errors import InputError
from ganzoo.losses import Minimax
from ganzoo.penalties import R1
from ganzoo.theory.dirac import DiracGAN
from ganzoo.theory.games import Bilinear, QuadraticSaddle
from ganzoo.theory.step_sizes import largest_stable_learning_rate
from ganzoo.theory.update_operator import UpdateOperator

XY = Bilinear(matrix=[[1.0]])


def operator(rule, optimizer=SGD):
    return UpdateOperator(update_rule=rule, optimizer=partial(optimizer, lr=1.0))


DESCENT = operator(optim.Simultaneous())


def largest(operator, game, limit=10.0):
    return largest_stable_learning_rate(
        operator, game, game.equilibrium, largest=limit, tolerance=1e-9
    )


@settings(max_examples=8, deadline=None)
@given(a=st.floats(0.1, 2), b=st.floats(0.1, 2), c=st.floats(0, 3))
def test_descents_limit_is_the_least_of_its_eigenvalues(a, b, c):
    """|1 - r z| < 1 for r < 2 Re(z) / |z|^2."""
    game = QuadraticSaddle(discriminator_curvature=a, generator_curvature=b, coupling=c)
    values = np.linalg.eigvals(np.array([[a, -c], [c, b]]))
    expected = (2 * values.real / abs(values) ** 2).min()
    assume(expected < 40)
    found = largest(DESCENT, game, limit=50.0)
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (operator(optim.Extragradient()), 1.0),
        (operator(optim.Simultaneous(), optim.OptimisticSGD), 1 / math.sqrt(3)),
        (
            operator(optim.Alternating(), partial(optim.NegativeMomentumSGD, momentum=-0.6)),
            0.8,
        ),
        (operator(optim.CompetitiveGradientDescent(tolerance=1e-13, iterations=50)), 10.0),
        (DESCENT, 0.0),
        (operator(optim.Alternating()), 0.0),
    ],
)
def test_limits_on_a_bilinear_game(moved, expected):
    assert largest(moved, XY) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_the_limit_of_a_regularised_dirac_gan(gamma):
    penalties = {"r1": R1(weight=gamma, interval=1)}
    game = DiracGAN(loss=Minimax(label_smoothing=0.0), penalties=penalties, target=0.0)
    values = np.roots([1, -gamma, 0.25])
    expected = (2 * values.real / abs(values) ** 2).min()
    found = largest(DESCENT, game, limit=20.0)
    assert found == pytest.approx(expected, rel=1e-6)


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="largest must be a positive number"):
        largest(DESCENT, XY, limit=0.0)
    with pytest.raises(InputError, match="no fixed point"):
        largest_stable_learning_rate(
            DESCENT, XY, torch.ones(2).double(), largest=1.0, tolerance=1e-9
        )
