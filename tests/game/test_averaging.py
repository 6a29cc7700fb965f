"""Averages of weights against sums written by hand."""

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage, UniformAverage
from ganzoo.progress import Progress


def follow(average, network, updates):
    """The weights of all updates, the first ones included."""
    seen = [network.weight.detach().clone()]
    for step in range(1, updates + 1):
        with torch.no_grad():
            network.weight.add_(torch.randn_like(network.weight))
        average.update(network, Progress(iterations=step))
        seen.append(network.weight.detach().clone())
    return torch.stack(seen)


@pytest.mark.parametrize("start", [0, 3])
def test_the_uniform_average_is_the_mean_of_all_weights_since_its_start(start):
    network = nn.Linear(3, 2)
    average = UniformAverage(network, start_step=start)
    seen = follow(average, network, 7)
    torch.testing.assert_close(average.network.weight, seen[start:].mean(0))


def test_the_exponential_average_is_its_recursion():
    network = nn.Linear(3, 2)
    average = ExponentialMovingAverage(network, decay=0.8, start_step=2)
    seen = follow(average, network, 6)
    expected = seen[2]
    for weights in seen[3:]:
        expected = 0.8 * expected + 0.2 * weights
    torch.testing.assert_close(average.network.weight, expected)


def test_the_mean_of_a_circle_is_its_centre():
    """Gidel et al. 2019, section 2.3: iterates that circle come near the solution on average."""
    network = nn.Linear(2, 1, bias=False)
    average = UniformAverage(network, start_step=0)
    angles = torch.linspace(0, 40 * torch.pi, 4001)
    for step, angle in enumerate(angles.tolist(), start=1):
        with torch.no_grad():
            network.weight.copy_(torch.tensor([angle, angle]).cos() + torch.tensor([2.0, -1.0]))
        average.update(network, Progress(iterations=step))
    torch.testing.assert_close(
        average.network.weight, torch.tensor([[2.0, -1.0]]), rtol=0, atol=2e-3
    )


def test_buffers_are_copied_and_numbers_checked():
    network = nn.BatchNorm1d(2)
    average = UniformAverage(network, start_step=0)
    network(torch.randn(8, 2) + 5)
    average.update(network, Progress(iterations=1))
    torch.testing.assert_close(average.network.running_mean, network.running_mean)
    with pytest.raises(InputError, match="start_step must be zero or a positive"):
        UniformAverage(network, start_step=-1)
