import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import InputError
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.penalties import Context, WassersteinDivergence


def divergence(weight=2.0, power=6.0):
    return WassersteinDivergence(weight=weight, interval=1, power=power)


@settings(max_examples=40, deadline=None)
@given(power=st.floats(1.5, 8), weight=st.floats(0, 5))
def test_linear_critic_closed_form(power, weight):
    slope = torch.tensor([0.6, -0.8, 1.0], dtype=torch.float64)
    real, fake = torch.randn(2, 5, 3, dtype=torch.float64)
    context = Context(real=real, fake=fake, outputs=lambda x: x @ slope)
    value = divergence(weight, power)(context)
    assert value.item() == pytest.approx(weight * 2 ** (power / 2))


@pytest.mark.parametrize(("power", "gap"), [(6.0, 3.0), (6.0, 0.2), (2.0, 3.0), (1.5, 0.7)])
def test_the_best_linear_critic_and_its_divergence(power, gap):
    """max a m - k a^p is at a = (m / (k p))^(1 / (p - 1)), where it is a m (1 - 1 / p)."""
    best = (gap / (2 * power)) ** (1 / (power - 1))
    real = torch.full((4, 1), gap, dtype=torch.float64)
    fake = torch.zeros(4, 1, dtype=torch.float64)

    def objective(slope):
        def critic(data):
            return slope * data.squeeze(1)

        terms = Wasserstein().discriminator(critic(real), critic(fake))
        context = Context(real=real, fake=fake, outputs=critic)
        return sum(terms.values()) + divergence(2.0, power)(context)

    slope = torch.tensor(best, dtype=torch.float64, requires_grad=True)
    value = objective(slope)
    value.backward()
    assert slope.grad.item() == pytest.approx(0, abs=1e-12)
    assert -value.item() == pytest.approx(best * gap * (1 - 1 / power))
    with torch.no_grad():
        assert all(objective(factor * slope) > value for factor in (0.5, 0.9, 1.1, 2.0))


def test_a_flat_critic_has_finite_gradients_for_powers_below_two():
    slope = torch.zeros(2, requires_grad=True)
    context = Context(real=torch.ones(3, 2), fake=torch.zeros(3, 2), outputs=lambda x: x @ slope)
    divergence(power=1.5)(context).backward()
    assert torch.isfinite(slope.grad).all()


@pytest.mark.parametrize("power", [0.0, -1.0, float("nan")])
def test_a_power_must_be_positive(power):
    with pytest.raises(InputError, match="power must be a positive number"):
        divergence(power=power)
