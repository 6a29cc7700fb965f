import pytest
import torch
from torch import nn
from torch.autograd.function import once_differentiable

from ganzoo.errors import InputError
from ganzoo.penalties import R1, R2, ApproximateR1, ApproximateR2, Context

PAIRS = [(ApproximateR1, R1), (ApproximateR2, R2)]


def smooth():
    torch.manual_seed(2)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)).double()


@pytest.mark.parametrize(("approximate", "exact"), PAIRS)
def test_its_expectation_is_that_of_the_exact_penalty(approximate, exact):
    network, (real, fake) = smooth(), torch.randn(2, 5, 4, dtype=torch.float64)
    torch.manual_seed(0)
    repeated = [data.repeat(20_000, 1) for data in (real, fake + 1)]
    value = approximate(weight=10.0, interval=1, deviation=1e-3)(
        Context(real=repeated[0], fake=repeated[1], outputs=network)
    ).item()
    context = Context(real=real, fake=fake + 1, outputs=network)
    expected = exact(weight=10.0, interval=1)(context).item()
    assert value == pytest.approx(expected, rel=0.02)


def test_its_gradient_tends_to_that_of_r1():
    network, data = smooth(), torch.randn(2, 4, dtype=torch.float64)
    torch.manual_seed(0)
    many = data.repeat(50_000, 1)
    value = ApproximateR1(weight=1.0, interval=1, deviation=1e-3)(
        Context(real=many, outputs=network)
    )
    (found,) = torch.autograd.grad(value, network[0].weight)
    value = R1(weight=1.0, interval=1)(Context(real=data, outputs=network))
    (exact,) = torch.autograd.grad(value, network[0].weight)
    assert (found - exact).norm() < 0.03 * exact.norm()


def test_one_sample_has_the_spread_of_a_chi_square_of_one_degree():
    torch.manual_seed(1)
    slope, point = torch.tensor([3.0, -4.0]).double(), torch.zeros(1, 2).double()
    penalty = ApproximateR1(weight=2.0, interval=1, deviation=0.01)
    values = torch.stack(
        [penalty(Context(real=point, outputs=lambda x: x @ slope)) for _ in range(4000)]
    )
    assert values.mean().item() == pytest.approx(25, rel=0.08)
    assert (values.std() / values.mean()).item() == pytest.approx(2**0.5, rel=0.08)


def test_the_papers_setting_is_a_weight_of_one_fiftieth():
    """100 (D(x + s e) - D(x))^2 with s = 0.01 and the same noise."""
    network, data = smooth(), torch.randn(6, 4, dtype=torch.float64)
    torch.manual_seed(5)
    noise = torch.randn_like(data)
    theirs = 100 * (network(data + 0.01 * noise) - network(data)).square().mean()
    torch.manual_seed(5)
    mine = ApproximateR1(weight=0.02, interval=1, deviation=0.01)(
        Context(real=data, outputs=network)
    )
    torch.testing.assert_close(mine, theirs)


class OnceDifferentiable(torch.autograd.Function):
    """A layer like those fused ones that have no second derivative."""

    @staticmethod
    def forward(ctx, inputs):
        ctx.save_for_backward(inputs)
        return inputs.square()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return 2 * ctx.saved_tensors[0] * gradient


def test_it_needs_no_second_derivative():
    weight = torch.ones(3, requires_grad=True)
    data = torch.randn(4, 3)

    def critic(points):
        return OnceDifferentiable.apply(points * weight).square().sum(1)

    with pytest.raises(RuntimeError, match="once_differentiable"):
        R1(weight=1.0, interval=1)(Context(real=data, outputs=critic)).backward()
    ApproximateR1(weight=1.0, interval=1, deviation=0.01)(
        Context(real=data, outputs=critic)
    ).backward()
    assert weight.grad.abs().sum() > 0


def test_a_deviation_must_be_positive():
    with pytest.raises(InputError, match="deviation must be a positive number"):
        ApproximateR1(weight=1.0, interval=1, deviation=0.0)
