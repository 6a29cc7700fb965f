"""Penalties in mixed precision against float64: their values and what they do to the weights."""

import copy

import pytest
import torch
from hydra.utils import instantiate
from torch import nn

from ganzoo.composition.compose import compose_config, group_choices

CHOICES = [name for name in group_choices("penalty") if name != "none"]


class Critic(nn.Module):
    """Two layers without batch statistics, and gradients well away from zero."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.Flatten(), nn.Linear(8 * 36, 1)
        )

    def forward(self, data):
        return 30 * self.layers(data).squeeze(1)


def penalty_of(name):
    config = compose_config(["dataset=digits", f"penalty={name}"])
    return instantiate(config.penalty[name])


def measured(penalty, critic, real, fake):
    """The penalty's value and its gradient by the critic's weights, as one vector."""
    torch.manual_seed(3)
    value = penalty(critic, real, fake)
    weights = list(critic.parameters())
    with torch.autocast("cpu", enabled=False):  # the game differentiates outside autocast
        gradients = torch.autograd.grad(value, weights, materialize_grads=True)
    return value.detach().double(), torch.cat([g.flatten() for g in gradients]).double()


@pytest.fixture
def same_noise(monkeypatch):
    """Random numbers that do not depend on the type they are asked for in."""

    def numbers(draw):
        def drawn(*shape, **named):
            like = shape[0] if shape and isinstance(shape[0], torch.Tensor) else None
            dtype = like.dtype if like is not None else named.get("dtype", torch.float32)
            sizes = like.shape if like is not None else shape[0]
            return draw(tuple(sizes), dtype=torch.float32).to(dtype)

        return drawn

    rand, randn = torch.rand, torch.randn
    monkeypatch.setattr(torch, "rand", numbers(rand))
    monkeypatch.setattr(torch, "randn_like", numbers(randn))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", CHOICES)
def test_a_penalty_in_mixed_precision_is_that_of_float64(name, dtype, same_noise):
    torch.manual_seed(0)
    critic = Critic()
    real, fake = torch.randn(16, 3, 6, 6), torch.randn(16, 3, 6, 6)
    exact = measured(penalty_of(name), copy.deepcopy(critic).double(), real.double(), fake.double())
    with torch.autocast("cpu", dtype=dtype):
        assert critic(real).dtype == dtype  # autocast is on where the penalty is called
        value, gradient = measured(penalty_of(name), critic, real, fake)
    assert value == pytest.approx(float(exact[0]), rel=1e-5)
    error = (gradient - exact[1]).norm() / exact[1].norm()
    assert error < 1e-5


@pytest.mark.parametrize("name", CHOICES)
def test_fakes_in_half_precision_are_taken_as_they_are(name, same_noise):
    """Autocast leaves the generator's output in half precision; the penalty goes on in float32."""
    torch.manual_seed(0)
    critic = Critic()
    real, fake = torch.randn(16, 3, 6, 6), torch.randn(16, 3, 6, 6).bfloat16()
    exact = measured(penalty_of(name), copy.deepcopy(critic).double(), real.double(), fake.double())
    value, gradient = measured(penalty_of(name), critic, real, fake)
    assert value == pytest.approx(float(exact[0]), rel=1e-5)
    assert (gradient - exact[1]).norm() / exact[1].norm() < 1e-5
