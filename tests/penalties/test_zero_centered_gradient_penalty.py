import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import softplus

from ganzoo.penalties import Context, ZeroCenteredGradientPenalty

slopes = st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(slope=slopes, weight=st.floats(0, 20))
def test_linear_critic_closed_form(slope, weight):
    slope = torch.tensor(slope, dtype=torch.float64)
    real, fake = torch.randn(2, 5, len(slope), dtype=torch.float64)
    penalty = ZeroCenteredGradientPenalty(weight=weight, interval=1)
    value = penalty(Context(real=real, fake=fake, outputs=lambda x: x @ slope))
    assert value.item() == pytest.approx(weight * slope.square().sum().item(), abs=1e-9)


def test_quadratic_critic_in_expectation():
    """For D(x) = x^2 / 2 between 0 and 1 the gradient is uniform: its mean square is 1/3."""
    torch.manual_seed(0)
    real, fake = torch.ones(40000, 1), torch.zeros(40000, 1)
    context = Context(real=real, fake=fake, outputs=lambda x: x.square().sum(1) / 2)
    value = ZeroCenteredGradientPenalty(weight=1.0, interval=1)(context)
    assert value.item() == pytest.approx(1 / 3, rel=0.02)


def trained(weight, real, fake):
    """A discriminator trained on a handful of samples, as the paper's section on overfitting."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0))
    penalty = ZeroCenteredGradientPenalty(weight=weight, interval=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(300):
        loss = softplus(-network(real)).mean() + softplus(network(fake)).mean()
        optimizer.zero_grad()
        context = Context(real=real, fake=fake, outputs=network)
        (loss + penalty(context)).backward()
        optimizer.step()
    return network


def steepest(network, real, fake):
    share = torch.linspace(0, 1, 50)[:, None, None]
    points = (share * real + (1 - share) * fake).flatten(0, 1).requires_grad_()
    (gradients,) = torch.autograd.grad(network(points).sum(), points)
    return gradients.norm(dim=1).max().item()


def test_a_discriminator_does_not_memorise_samples_of_equal_distributions():
    """Real and generated samples come from one distribution, where the optimum is constant."""
    torch.manual_seed(3)
    real, fake = torch.randn(2, 16, 2)
    free, held = trained(0.0, real, fake), trained(10.0, real, fake)
    gap = [(network(real).mean() - network(fake).mean()).item() for network in (free, held)]
    assert gap[1] < 0.1 * gap[0]
    assert steepest(held, real, fake) < 0.05 * steepest(free, real, fake)


def test_a_discriminator_still_tells_unequal_distributions_apart():
    torch.manual_seed(4)
    real, fake = torch.randn(2, 16, 2) + torch.tensor([1.5, -1.5])[:, None, None]
    network = trained(0.1, real, fake)
    new = torch.randn(2, 500, 2) + torch.tensor([1.5, -1.5])[:, None, None]
    assert (network(new[0]) > 0).float().mean() > 0.9
    assert (network(new[1]) < 0).float().mean() > 0.9
