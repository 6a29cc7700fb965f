import numpy as np
import pytest
import torch
from torch import nn

from ganzoo.penalties import Context, GradientPenalty, MaxGradient

PENALTY = MaxGradient(weight=0.5, interval=1)


def test_linear_critic_closed_form():
    slope = torch.tensor([3.0, -4.0], dtype=torch.float64)
    real, fake = torch.randn(2, 5, 2, dtype=torch.float64)
    context = Context(real=real, fake=fake, outputs=lambda x: x @ slope)
    assert PENALTY(context).item() == pytest.approx(0.5 * 25)


def test_it_is_the_largest_of_the_batch_and_not_the_mean():
    """For D(x) = x^2 / 2 the gradient is x: the pair that is furthest out decides."""
    data = torch.tensor([[1.0], [-7.0], [2.0]], dtype=torch.float64)
    value = PENALTY(Context(real=data, fake=data, outputs=lambda x: x.square().sum(1) / 2))
    assert value.item() == pytest.approx(0.5 * 49)


def test_only_the_steepest_sample_moves_the_critic():
    weight = torch.tensor([1.0, 3.0, 2.0], dtype=torch.float64, requires_grad=True)
    data = torch.eye(3, dtype=torch.float64)
    context = Context(real=data, fake=data, outputs=lambda x: (x.square() @ weight) / 2)
    PENALTY(context).backward()
    assert weight.grad.tolist() == [0, 0.5 * 2 * 3, 0]


def trained(penalty):
    """A critic of two pairs of points, a distance of 2 apart, with the Wasserstein loss."""
    torch.manual_seed(0)
    real, fake = torch.tensor([[2.0, 0.0], [2.0, 1.0]]), torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    network = nn.Sequential(nn.Linear(2, 64), nn.Softplus(), nn.Linear(64, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(300):
        loss = network(fake).mean() - network(real).mean()
        optimizer.zero_grad()
        context = Context(real=real.repeat(8, 1), fake=fake.repeat(8, 1), outputs=network)
        (loss + penalty(context)).backward()
        optimizer.step()
    fake.requires_grad_()
    (gradients,) = torch.autograd.grad(network(fake).sum(), fake)
    return gradients.numpy()


def test_the_optimal_critic_points_from_generated_to_real_samples():
    """Its slope k maximises 2 k - k^2 / 2, so that k = 2, in the direction of the other sample."""
    gradients = trained(PENALTY)
    assert np.allclose(gradients, [[2, 0], [2, 0]], atol=0.25)
    # The same weight of WGAN-GP's penalty has another optimum: 2 k - (k - 1)^2 / 2, k = 3.
    other = trained(GradientPenalty(weight=0.5, interval=1))
    assert np.allclose(other[:, 0], 3, atol=0.25)
