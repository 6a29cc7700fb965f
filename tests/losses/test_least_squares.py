import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.losses import LeastSquares

REAL = np.array([-1.0, 0.5, 2.0])
FAKE = np.array([0.0, 3.0])


def test_closed_form():
    loss = LeastSquares(fake_target=-1.0, real_target=2.0, generator_target=0.5)
    terms = loss.discriminator(torch.tensor(REAL), torch.tensor(FAKE))
    assert terms["real"].item() == pytest.approx((9 + 2.25 + 0) / 3 / 2)
    assert terms["fake"].item() == pytest.approx((1 + 16) / 2 / 2)
    assert loss.generator(torch.tensor(FAKE))["adversarial"].item() == pytest.approx(
        (0.25 + 6.25) / 2 / 2
    )


def test_best_discriminator_makes_the_generator_minimise_pearson_chi_squared():
    """Mao et al. (2017), with b - c = 1 and b - a = 2, on three outcomes by optimisation.

    Twice the sum of squared distances to c, over both distributions, is the Pearson chi-squared
    divergence between p + q and 2 q.
    """
    loss = build(compose_config([], "loss/least_squares_pearson").loss)
    data, model = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.3, 0.6])
    counts = [torch.tensor((10 * p).round(), dtype=torch.int64) for p in (data, model)]

    def split(values):
        return [torch.tensor(values).repeat_interleave(count) for count in counts]

    def discriminator_loss(values):
        return sum(loss.discriminator(*split(values)).values()).item()

    best = minimize(discriminator_loss, np.zeros(3), method="BFGS", options={"gtol": 1e-7})
    real, fake = split(best.x)
    both = loss.generator(real)["adversarial"] + loss.generator(fake)["adversarial"]
    chi_squared = ((2 * model - (data + model)) ** 2 / (data + model)).sum()
    assert 2 * both.item() == pytest.approx(chi_squared, abs=1e-6)


@pytest.mark.parametrize("target", [float("nan"), float("inf")])
def test_targets_that_are_not_finite_are_refused(target):
    with pytest.raises(InputError, match="must be finite"):
        LeastSquares(fake_target=0.0, real_target=1.0, generator_target=target)


def test_equal_targets_are_refused():
    with pytest.raises(InputError, match="real_target must differ from fake_target"):
        LeastSquares(fake_target=1.0, real_target=1.0, generator_target=1.0)
