import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from ganzoo.losses import Wasserstein

scores = st.lists(st.floats(-100, 100), min_size=1, max_size=6)


def critic_loss(real, fake):
    terms = Wasserstein().discriminator(torch.tensor(real), torch.tensor(fake))
    return sum(terms.values()).item()


def test_closed_form():
    terms = Wasserstein().discriminator(torch.tensor([1.0, 3.0]), torch.tensor([5.0]))
    assert (terms["real"].item(), terms["fake"].item()) == (-2.0, 5.0)
    assert Wasserstein().generator(torch.tensor([1.0, 4.0]))["adversarial"].item() == -2.5


def test_best_lipschitz_critic_reaches_the_distance():
    """Between point sets where all mass moves to the left, f(x) = x is a best critic."""
    fake = [0.0, 1.0, 2.5, 4.0]
    real = [1.0, 1.5, 4.0, 4.0]
    assert -critic_loss(real, fake) == pytest.approx(wasserstein_distance(real, fake))


@settings(max_examples=40, deadline=None)
@given(real=scores, fake=scores, shift=st.floats(-50, 50), scale=st.floats(0, 5))
def test_a_shift_of_all_scores_changes_nothing_and_a_scale_scales(real, fake, shift, scale):
    loss = critic_loss(real, fake)
    shifted = critic_loss([x + shift for x in real], [x + shift for x in fake])
    scaled = critic_loss([scale * x for x in real], [scale * x for x in fake])
    assert shifted == pytest.approx(loss, abs=1e-3)
    assert scaled == pytest.approx(scale * loss, abs=1e-3)
    assert critic_loss(fake, real) == pytest.approx(-loss, abs=1e-3)
