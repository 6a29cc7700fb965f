import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.penalties import R1, R2, Context

slopes = st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=1, max_size=4)


def batches(size):
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(5, size, generator=generator, dtype=torch.float64)
    return real, 2 * torch.randn(5, size, generator=generator, dtype=torch.float64) - 1


@pytest.mark.parametrize("penalty", [R1, R2])
@settings(max_examples=40, deadline=None)
@given(slope=slopes, weight=st.floats(0, 20))
def test_linear_critic_closed_form(penalty, slope, weight):
    slope = torch.tensor(slope, dtype=torch.float64)
    real, fake = batches(len(slope))
    context = Context(real=real, fake=fake, outputs=lambda x: x @ slope)
    value = penalty(weight=weight, interval=1)(context)
    assert value.item() == pytest.approx(weight / 2 * slope.square().sum().item(), abs=1e-9)


def test_quadratic_critic_closed_form_on_its_own_batch():
    """For D(x) = x A x / 2 with symmetric A, the gradient is A x."""
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(3, 3))
    matrix = matrix + matrix.T
    real, fake = batches(3)

    def discriminator(data):
        return ((data @ torch.tensor(matrix)) * data).sum(1) / 2

    for penalty, data in ((R1, real), (R2, fake)):
        context = Context(real=real, fake=fake, outputs=discriminator)
        value = penalty(weight=10.0, interval=1)(context)
        expected = 10 / 2 * ((data.numpy() @ matrix) ** 2).sum(axis=1).mean()
        assert value.item() == pytest.approx(expected, rel=1e-12)


def test_gradient_of_a_linear_critic_is_weight_decay():
    slope = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    context = Context(real=batches(3)[0], outputs=lambda x: x @ slope)
    R1(weight=4.0, interval=1)(context).backward()
    torch.testing.assert_close(slope.grad, 4 * slope.detach())


@pytest.mark.parametrize("first", [True, False])
def test_a_loss_that_has_looked_before_costs_one_more_pass_and_nothing_else(first):
    """In the game the penalty is known before; in a loop of one's own it may come after."""
    matrix, calls = torch.randn(3, 3, generator=torch.Generator().manual_seed(1)).double(), []

    def discriminator(data):
        calls.append(len(data))
        return ((data @ matrix) * data).sum(1)

    real, fake = batches(3)
    alone = R1(weight=1.0, interval=1)(Context(real=real, outputs=discriminator))
    calls.clear()
    context = Context(real=real, fake=fake, outputs=discriminator)
    if first:
        context.differentiated.add("real")
    logits = context.real_logits
    assert torch.equal(R1(weight=1.0, interval=1)(context), alone)
    assert torch.equal(context.real_logits, logits)
    assert len(calls) == (1 if first else 2)


def test_it_measures_logits_and_not_probabilities():
    """A sure discriminator is still steep in its logit where its probability is flat."""
    slope = torch.tensor([100.0], dtype=torch.float64)
    sure = torch.full((4, 1), 10.0, dtype=torch.float64)
    value = R1(weight=1.0, interval=1)(Context(real=sure, outputs=lambda x: x @ slope))
    assert value.item() == pytest.approx(5000)
