import numpy as np
import pytest
import torch
from scipy.stats import kstest

from ganzoo.errors import InputError
from ganzoo.penalties import DRAGAN, Context

NUMBERS = {"weight": 10.0, "interval": 1, "deviation_scale": 0.5, "target_norm": 1.0}


def dragan(**changes):
    return DRAGAN(**(NUMBERS | changes))


@pytest.mark.parametrize("target", [0.0, 1.0, 2.5])
def test_linear_critic_closed_form(target):
    slope = torch.tensor([3.0, -4.0], dtype=torch.float64)
    real = torch.randn(6, 2, dtype=torch.float64)
    value = dragan(target_norm=target)(Context(real=real, outputs=lambda x: x @ slope))
    assert value.item() == pytest.approx(10 * (5 - target) ** 2)


def test_quadratic_critic_in_expectation():
    """For D(x) = |x|^2 / 2 at target 0 the value is E|x + d|^2 = E|x|^2 + N c."""
    torch.manual_seed(0)
    real = torch.randn(20000, 3, dtype=torch.float64) * 2 + 1
    penalty = dragan(weight=1.0, target_norm=0.0)
    value = penalty(Context(real=real, outputs=lambda x: x.square().sum(1) / 2)).item()
    c = (0.5 * real.numpy().std()) ** 2
    assert value == pytest.approx((real.numpy() ** 2).sum(1).mean() + 3 * c, rel=0.02)


@pytest.mark.parametrize("shape", [(2,), (3, 8, 8)])
def test_displacements_are_independent_gaussians_of_the_stated_size(shape):
    torch.manual_seed(1)
    real = 3 * torch.rand(64, *shape, dtype=torch.float64) - 1
    moved = (dragan(deviation_scale=0.25).perturb(real) - real).numpy()
    scaled = moved / (0.25 * real.numpy().std())
    assert kstest(scaled.flatten(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(scaled.reshape(64, -1)[:, :2].T)[0, 1]) < 0.4


def test_generated_data_does_not_matter():
    torch.manual_seed(0)
    real = torch.randn(6, 2)

    def value(fake):
        torch.manual_seed(2)
        context = Context(real=real, fake=fake, outputs=lambda x: x.square().sum(1))
        return dragan()(context).item()

    assert value(torch.zeros(6, 2)) == value(torch.full((3, 2), 9.0))


def test_identical_samples_and_a_batch_of_one_are_finite():
    for real in (torch.ones(4, 2), torch.ones(1, 1)):
        assert torch.equal(dragan().perturb(real), real)


@pytest.mark.parametrize(
    "change",
    [{"deviation_scale": 0.0}, {"deviation_scale": float("nan")}, {"target_norm": -1.0}],
)
def test_wrong_numbers_are_refused(change):
    with pytest.raises(InputError, match=next(iter(change))):
        dragan(**change)
