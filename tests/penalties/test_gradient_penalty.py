import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from ganzoo.penalties import Context, GradientPenalty, OneSidedGradientPenalty
from ganzoo.penalties.gradient_penalty import interpolate

TWO_SIDED = GradientPenalty(weight=10.0, interval=1)
ONE_SIDED = OneSidedGradientPenalty(weight=10.0, interval=1)
slopes = st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=1, max_size=4)


def linear(slope, real, fake):
    return Context(real=real, fake=fake, outputs=lambda x: x @ slope + 0.7)


def pair(count, *shape):
    torch.manual_seed(count)
    return torch.randn(count, *shape, dtype=torch.float64), torch.rand(
        count, *shape, dtype=torch.float64
    )


@settings(max_examples=60, deadline=None)
@given(slope=slopes)
def test_linear_critic_closed_form(slope):
    norm = np.linalg.norm(slope)
    slope = torch.tensor(slope, dtype=torch.float64)
    real, fake = pair(4, len(slope))
    two_sided = TWO_SIDED(linear(slope, real, fake)).item()
    one_sided = ONE_SIDED(linear(slope, real, fake)).item()
    assert two_sided == pytest.approx(10 * (norm - 1) ** 2, abs=1e-9)
    assert one_sided == pytest.approx(10 * max(norm - 1, 0) ** 2, abs=1e-9)


def test_one_sided_leaves_lipschitz_critics_alone():
    slope = torch.tensor([0.6, -0.7], dtype=torch.float64, requires_grad=True)
    value = ONE_SIDED(linear(slope, *pair(5, 2)))
    value.backward()
    assert value.item() == 0
    assert slope.grad.tolist() == [0, 0]


def test_unit_gradient_critic_is_free():
    slope = torch.tensor([0.6, -0.8], dtype=torch.float64)
    assert TWO_SIDED(linear(slope, *pair(5, 2))).item() == pytest.approx(0, abs=1e-25)


@pytest.mark.parametrize("start", [0.2, 4.0])
def test_descending_the_penalty_brings_a_linear_critic_to_norm_one(start):
    slope = torch.full((3,), start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([slope], lr=0.02)
    for _ in range(100):
        optimizer.zero_grad()
        TWO_SIDED(linear(slope, *pair(4, 3))).backward()
        optimizer.step()
    assert slope.norm().item() == pytest.approx(1, abs=1e-6)


def test_norm_is_over_a_whole_image():
    """A critic that sums N entries has a gradient of norm sqrt(N) at each sample."""
    real, fake = pair(8, 3, 4, 4)
    context = Context(real=real, fake=fake, outputs=lambda x: x.sum((1, 2, 3)))
    value = TWO_SIDED(context)
    assert value.item() == pytest.approx(10 * (48**0.5 - 1) ** 2)


@pytest.mark.parametrize("shape", [(2,), (3, 4, 4)])
def test_interpolates_lie_on_segments_with_one_coefficient_a_sample(shape):
    real, fake = pair(50, *shape)
    points = interpolate(real, fake)
    alpha = ((points - fake) / (real - fake)).flatten(1)
    assert points.shape == real.shape
    torch.testing.assert_close(alpha, alpha[:, :1].expand_as(alpha))
    assert ((alpha > -1e-9) & (alpha < 1 + 1e-9)).all()
    assert alpha[:, 0].std() > 0.1


def test_coefficients_are_uniform():
    torch.manual_seed(0)
    alpha = interpolate(torch.ones(4000, 1), torch.zeros(4000, 1)).flatten().numpy()
    assert kstest(alpha, "uniform").pvalue > 0.01


def test_pairs_go_up_to_the_smaller_batch():
    real, fake = torch.arange(5.0)[:, None], -torch.arange(3.0)[:, None]
    points = interpolate(real, fake)
    assert points.shape == (3, 1)
    assert points[0] == 0
    assert (points.abs() <= real[:3]).all()
