import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.losses import Energy

REAL, FAKE = np.array([-1.0, 0.5, 20.0]), np.array([-12.0, 0.0, 3.0, -8.0])


def test_terms_are_energies_and_margins():
    terms = Energy(margin=10.0).discriminator(torch.tensor(REAL), torch.tensor(FAKE))
    real, fake = np.logaddexp(0, -REAL), np.logaddexp(0, -FAKE)
    assert terms["real"].item() == pytest.approx(real.mean(), rel=1e-7)
    assert terms["fake"].item() == pytest.approx(np.maximum(0, 10 - fake).mean(), rel=1e-7)
    generator = Energy(margin=10.0).generator(torch.tensor(FAKE))["adversarial"]
    assert generator.item() == pytest.approx(fake.mean(), rel=1e-7)


counts = st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any).map(np.array)


@settings(max_examples=40, deadline=None)
@given(p=counts, q=counts, margin=st.floats(0.5, 20))
def test_best_discriminator_pays_the_margin_times_the_overlap(p, q, margin):
    """Zhao et al. (2017), theorem 1: the margin in all where generated data are like real ones.

    The best energy of an outcome is 0 where it is more probable of real data, else the margin.
    """
    p, q = p / p.sum(), q / q.sum()
    energies = torch.tensor(np.where(p < q, margin, 1e-12))
    logits = -torch.log(torch.expm1(energies))

    def loss(outputs):
        energy = Energy(margin=margin)
        real, fake = energy.real_cost(outputs).numpy(), energy.fake_cost(outputs).numpy()
        return (p * real + q * fake).sum()

    least = margin * np.minimum(p, q).sum()
    assert loss(logits) == pytest.approx(least, abs=1e-6)
    for seed in range(5):
        noise = torch.randn(3, generator=torch.Generator().manual_seed(seed))
        assert loss(5 * noise.double()) >= least - 1e-9


def test_generated_data_beyond_the_margin_are_left_alone():
    fake = torch.tensor([-12.0, -9.0], requires_grad=True)
    Energy(margin=10.0).discriminator(torch.zeros(2), fake)["fake"].backward()
    assert fake.grad[0] == 0
    assert fake.grad[1] > 0


@pytest.mark.parametrize("margin", [0.0, -1.0, float("inf")])
def test_margins_that_are_not_positive_are_refused(margin):
    with pytest.raises(InputError, match="margin must be a positive number"):
        Energy(margin=margin)
