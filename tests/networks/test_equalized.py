import math

import pytest
import torch

from ganzoo.networks.equalized import EqualizedLinear, leaky_relu, normalized


@pytest.mark.parametrize("multiplier", [1.0, 0.01])
def test_the_layer_by_hand_and_the_scale_it_starts_with(multiplier):
    torch.manual_seed(0)
    layer = EqualizedLinear(400, 300, lr_multiplier=multiplier, bias=0.5)
    features = torch.randn(50, 400)
    weight = multiplier / math.sqrt(400) * layer.weight
    by_hand = features @ weight.T + multiplier * layer.bias
    torch.testing.assert_close(layer(features), by_hand)
    assert layer.weight.std().item() == pytest.approx(1 / multiplier, rel=0.02)
    assert (layer(features) - 0.5).square().mean().item() == pytest.approx(1, rel=0.05)
    torch.testing.assert_close(multiplier * layer.bias, torch.full((300,), 0.5))


def test_the_multiplier_is_that_of_the_learning_rate():
    """A step of sign descent moves the outputs by so much less, whatever the width."""
    moves = {}
    for multiplier in (1.0, 0.1):
        torch.manual_seed(0)
        layer = EqualizedLinear(64, 1, lr_multiplier=multiplier)
        features = torch.ones(1, 64)
        before = layer(features)
        before.sum().backward()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter -= 0.01 * parameter.grad.sign()
        moves[multiplier] = (before - layer(features)).item()
    assert moves[0.1] == pytest.approx(0.1 * moves[1.0], rel=1e-4)
    assert moves[1.0] == pytest.approx(0.01 * (math.sqrt(64) + 1), rel=1e-4)


def test_mean_squares_stay():
    features = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    assert leaky_relu(features, 0.0).square().mean().item() == pytest.approx(1, rel=0.02)
    torch.testing.assert_close(leaky_relu(torch.tensor([-1.0]), 0.2), torch.tensor([-0.2 * 2**0.5]))
    vectors = normalized(7 * torch.randn(5, 64, dtype=torch.float64))
    torch.testing.assert_close(vectors.square().mean(dim=1), torch.ones(5, dtype=torch.float64))
    assert normalized(torch.zeros(2, 3, dtype=torch.float16)).eq(0).all()
