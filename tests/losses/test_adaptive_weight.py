import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.losses.adaptive_weight import adaptive_weight

NUMBERS = {"eps": 1e-4, "largest": 1e4}


def of_gradients(first, second, **numbers):
    """The weight of two losses with these gradients by a layer."""
    layer = torch.zeros(len(first), dtype=torch.float64, requires_grad=True)
    losses = [(torch.tensor(slope, dtype=torch.float64) * layer).sum() for slope in (first, second)]
    return adaptive_weight(*losses, layer, **NUMBERS | numbers).item()


@pytest.mark.parametrize(
    ("first", "second", "numbers", "wanted"),
    [
        ([3.0, 4.0], [0.0, 2.0], {}, 5 / 2.0001),
        ([3.0, 4.0], [0.0, 2.0], {"eps": 0.5}, 2.0),
        ([0.0, 0.0], [1.0, 0.0], {}, 0.0),
        ([3.0, 4.0], [0.0, 0.0], {}, 1e4),
        ([3.0, 4.0], [0.0, 0.0], {"largest": 7.0}, 7.0),
        ([1e-30, 0.0], [1e-4, 0.0], {}, 5e-27),
        ([float("inf"), 1.0], [1.0, 1.0], {}, 0.0),
        ([float("nan"), 1.0], [1.0, 1.0], {}, 0.0),
        ([1.0, 1.0], [float("inf"), 1.0], {}, 0.0),
        ([1.0, 1.0], [float("nan"), 1.0], {}, 0.0),
    ],
)
def test_closed_form(first, second, numbers, wanted):
    assert of_gradients(first, second, **numbers) == pytest.approx(wanted, rel=1e-12)


def test_both_gradients_are_of_one_size_then():
    torch.manual_seed(0)
    body, last = nn.Linear(5, 4), nn.Linear(4, 3)
    output = last(body(torch.randn(6, 5)).tanh())
    first, second = output.abs().mean(), output.sin().pow(3).mean()
    weight = adaptive_weight(first, second, last.weight, **NUMBERS)
    assert not weight.requires_grad
    sizes = [
        torch.autograd.grad(loss, last.weight, retain_graph=True)[0].norm()
        for loss in (first, weight * second)
    ]
    torch.testing.assert_close(sizes[1], sizes[0] * (1 - 1e-4 / (sizes[0] / weight + 1e-4)))
    assert all(value.grad is None for value in (*body.parameters(), *last.parameters()))
    (first + weight * second).backward()  # the graph is still there


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_has_the_weight_of_float32(dtype):
    """Gradients of the mean of so many pixels would be 0 in float16 without a scale."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(2, 3, 3, padding=1)
    features, target = torch.randn(16, 2, 128, 128), torch.randn(16, 3, 128, 128)

    def weight(enabled):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            output = convolution(features)
            assert output.dtype == (dtype if enabled else torch.float32)
            # 1e-2 takes the mean's gradients below the smallest number of float16.
            reconstruction = 1e-2 * nn.functional.l1_loss(output, target)
            adversarial = -nn.functional.avg_pool2d(output, 64).float().tanh().mean()
        return adaptive_weight(reconstruction, adversarial, convolution.weight, **NUMBERS)

    assert weight(enabled=True).dtype == torch.float32
    torch.testing.assert_close(weight(enabled=True), weight(enabled=False), rtol=0.02, atol=0)


def test_what_is_wrong_is_said():
    layer, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    with pytest.raises(InputError, match=r"reconstruction_loss must be a scalar, not \[2\]"):
        adaptive_weight(layer, layer.sum(), layer, **NUMBERS)
    with pytest.raises(InputError, match="adversarial_loss does not depend on last_layer"):
        adaptive_weight(layer.sum(), other.sum(), layer, **NUMBERS)
    with torch.no_grad(), pytest.raises(InputError, match="with gradients, in training"):
        adaptive_weight(layer.sum(), layer.sum(), layer, **NUMBERS)
