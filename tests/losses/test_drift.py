import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.losses import Drift, Minimax, Relativistic, Wasserstein
from ganzoo.losses.relativistic import PairedComparison

REAL = torch.tensor([1.0, -3.0, 2.0], dtype=torch.float64)
FAKE = torch.tensor([5.0, 0.5, 1.0], dtype=torch.float64)


def test_term_is_the_weighted_mean_square_of_real_scores():
    terms = Drift(loss=Wasserstein(), weight=0.001).discriminator(REAL, FAKE)
    assert terms.pop("drift").item() == pytest.approx(0.001 * (1 + 9 + 4) / 3)
    assert terms == Wasserstein().discriminator(REAL, FAKE)


def test_generator_is_that_of_the_objective():
    drift = Drift(loss=Wasserstein(), weight=0.5)
    assert drift.generator(FAKE) == Wasserstein().generator(FAKE)
    compared = Relativistic(loss=Minimax(label_smoothing=0.0), comparison=PairedComparison())
    drift = Drift(loss=compared, weight=0.5)
    expected = compared.generator_against(FAKE, lambda: REAL)
    assert drift.generator_against(FAKE, lambda: REAL) == expected


@settings(max_examples=30, deadline=None)
@given(start=st.floats(-50, 50), weight=st.floats(0.01, 1))
def test_common_shift_of_scores_goes_to_where_real_ones_average_zero(start, weight):
    """The objective of differences alone leaves it where it is; the term pulls it to one place."""
    shift = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([shift], lr=0.5 / weight)  # one Newton step of the square
    terms = Drift(loss=Wasserstein(), weight=weight).discriminator(REAL + shift, FAKE + shift)
    plain = sum(Wasserstein().discriminator(REAL + shift, FAKE + shift).values())
    (free,) = torch.autograd.grad(plain, shift)
    assert free.item() == pytest.approx(0, abs=1e-12)
    sum(terms.values()).backward()
    optimizer.step()
    assert shift.item() == pytest.approx(-REAL.mean().item(), abs=1e-9)


@pytest.mark.parametrize("weight", [-1.0, float("nan")])
def test_weights_that_are_no_weights_are_refused(weight):
    with pytest.raises(InputError, match="weight must be zero or a positive number"):
        Drift(loss=Wasserstein(), weight=weight)
