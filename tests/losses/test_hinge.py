import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import hinge_loss

from ganzoo.losses import Hinge

values = st.lists(st.floats(-5, 5), min_size=2, max_size=6)


def test_closed_form():
    terms = Hinge().discriminator(torch.tensor([-1.0, 0.5, 3.0]), torch.tensor([-3.0, 2.0]))
    assert terms["real"].item() == pytest.approx((2 + 0.5 + 0) / 3)
    assert terms["fake"].item() == pytest.approx((0 + 3) / 2)
    assert Hinge().generator(torch.tensor([-3.0, 2.0]))["adversarial"].item() == 0.5


@settings(max_examples=40, deadline=None)
@given(scores=values)
def test_mean_of_the_terms_is_the_hinge_loss_of_a_classifier(scores):
    real, fake = np.array(scores), np.array(scores[::-1]) - 0.3
    terms = Hinge().discriminator(torch.tensor(real), torch.tensor(fake))
    labels = np.repeat([1, -1], len(scores))
    expected = hinge_loss(labels, np.concatenate([real, fake]))
    assert sum(terms.values()).item() / 2 == pytest.approx(expected, abs=1e-12)


def test_subgradients_are_zero_from_the_margin_on():
    real = torch.tensor([-2.0, 0.0, 0.99, 1.0, 1.01, 5.0], requires_grad=True)
    fake = torch.tensor([2.0, 0.0, -0.99, -1.0, -1.01, -5.0], requires_grad=True)
    sum(Hinge().discriminator(real, fake).values()).backward()
    expected = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]) / 6
    torch.testing.assert_close(real.grad, -expected)
    torch.testing.assert_close(fake.grad, expected)


def test_generator_gradient_does_not_depend_on_the_margin():
    fake = torch.tensor([-9.0, -1.0, 0.0, 9.0], requires_grad=True)
    Hinge().generator(fake)["adversarial"].backward()
    torch.testing.assert_close(fake.grad, torch.full((4,), -0.25))
