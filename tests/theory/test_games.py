import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.theory.games import Bilinear, QuadraticSaddle

number = st.floats(-3, 3).map(lambda x: round(x, 3))


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 3), columns=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_a_bilinear_game_turns_by_the_singular_values(rows, columns, seed):
    matrix = np.random.default_rng(seed).normal(size=(rows, columns))
    game = Bilinear(matrix=matrix.tolist())
    values = game.eigenvalues(game.equilibrium).numpy()
    singular = np.linalg.svd(matrix, compute_uv=False)
    zeros = np.zeros(rows + columns - 2 * len(singular))
    expected = np.sort(np.concatenate([singular, -singular, zeros]))
    np.testing.assert_allclose(np.sort(values.imag), expected, atol=1e-7)
    np.testing.assert_allclose(values.real, 0, atol=1e-7)


def test_the_textbook_example_circles():
    """V = xy: the discriminator (x) moves by y, the generator by -x."""
    game = Bilinear(matrix=[[1.0]])
    velocity = -game.field(torch.tensor([3.0, 2.0], dtype=torch.float64))
    assert velocity.tolist() == [2.0, -3.0]


@settings(max_examples=40, deadline=None)
@given(a=number, b=number, c=number)
def test_a_quadratic_saddle_has_its_closed_form(a, b, c):
    game = QuadraticSaddle(discriminator_curvature=a, generator_curvature=b, coupling=c)
    root = np.sqrt(complex((a - b) ** 2 / 4 - c**2))
    expected = np.array([(a + b) / 2 + root, (a + b) / 2 - root])
    found = game.eigenvalues(torch.tensor([1.0, -2.0], dtype=torch.float64)).numpy()
    assert abs(found.sum() - expected.sum()) < 1e-9  # trace and determinant: roots can be double
    assert abs(found.prod() - expected.prod()) < 1e-8
    if abs(root) > 1e-3:
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), atol=1e-9)


@pytest.mark.parametrize("matrix", [[], [[]], [[1.0], [1.0, 2.0]]])
def test_matrices_without_one_row_length_are_refused(matrix):
    with pytest.raises(InputError, match="rows of one length"):
        Bilinear(matrix=matrix)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="finite"):
        Bilinear(matrix=[[float("nan")]])
    with pytest.raises(InputError, match="must be finite"):
        QuadraticSaddle(discriminator_curvature=1.0, generator_curvature=float("inf"), coupling=1.0)
