import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import InputError
from ganzoo.theory.duality_gap import duality_gap


class Number(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(float(value), dtype=torch.float64))


def quadratic(discriminator, generator):
    """``x y + x^2/2 - y^2/2``, of which the gap at (x, y) is ``x^2 + y^2``."""
    x, y = generator.value, discriminator.value
    return x * y + x**2 / 2 - y**2 / 2


@settings(max_examples=8, deadline=None)
@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_quadratic_game_has_its_closed_form(x, y):
    found = duality_gap(quadratic, Number(y), Number(x), 80, 0.1)
    assert found.highest == pytest.approx(x**2, abs=1e-3)
    assert found.lowest == pytest.approx(-(y**2), abs=1e-3)
    assert found.gap == pytest.approx(x**2 + y**2, abs=2e-3)


@settings(max_examples=10, deadline=None)
@given(x=st.floats(-2, 2), y=st.floats(-2, 2), steps=st.integers(0, 10))
def test_the_gap_is_never_negative_nor_above_the_true_one_and_grows_with_steps(x, y, steps):
    fewer, more = (
        duality_gap(quadratic, Number(y), Number(x), count, 0.05).gap
        for count in (steps, steps + 5)
    )
    assert 0 <= fewer <= more + 1e-12
    assert more <= x**2 + y**2 + 1e-12


def test_at_the_equilibrium_nobody_gains():
    assert duality_gap(quadratic, Number(0), Number(0), 20, 0.05).gap == pytest.approx(0, abs=1e-12)


def networks():
    torch.manual_seed(0)
    discriminator = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    return discriminator, nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))


def value_on(real, latents):
    def value(discriminator, generator):
        logits = discriminator(real), discriminator(generator(latents))
        terms = nn.functional.logsigmoid(logits[0]), nn.functional.logsigmoid(-logits[1])
        return terms[0].mean() + terms[1].mean()

    return value


def test_players_stay_as_they_are_with_their_buffers_gradients_and_flags():
    discriminator, generator = networks()
    discriminator[0].weight.requires_grad_(False)
    generator[0].weight.grad = torch.ones_like(generator[0].weight)
    before = [copy.deepcopy(player.state_dict()) for player in (discriminator, generator)]
    real, latents = torch.randn(32, 1), torch.randn(32, 1)
    state = torch.get_rng_state()
    with torch.no_grad():
        found = duality_gap(value_on(real, latents), discriminator, generator, 5, 0.01)
    assert found.gap > 0
    assert torch.equal(torch.get_rng_state(), state)
    for player, old in zip((discriminator, generator), before, strict=True):
        torch.testing.assert_close(dict(player.state_dict()), dict(old), rtol=0, atol=0)
    assert not discriminator[0].weight.requires_grad
    assert generator[0].weight.requires_grad
    assert generator[2].weight.grad is None
    assert (generator[0].weight.grad == 1).all()


def test_a_game_nearer_to_its_end_has_the_smaller_gap():
    """A shifting generator, from far off to the data, with a linear discriminator of zeros."""
    generator_seed = torch.Generator().manual_seed(0)
    real = torch.randn(256, 1, generator=generator_seed)
    latents = torch.randn(256, 1, generator=generator_seed)

    class Shift(nn.Module):
        def __init__(self, place):
            super().__init__()
            self.place = nn.Parameter(torch.tensor(place))

        def forward(self, latents):
            return latents + self.place

    discriminator = nn.Linear(1, 1)
    nn.init.zeros_(discriminator.weight)
    nn.init.zeros_(discriminator.bias)
    gaps = [
        duality_gap(value_on(real, latents), discriminator, Shift(place), 100, 0.05)
        for place in (3.0, 1.0, 0.1)
    ]
    assert gaps[0].gap > gaps[1].gap > gaps[2].gap
    assert gaps[2].lowest == pytest.approx(-math.log(4), abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0.1), "steps must be a whole number from 0 up"),
        ((1, 0.0), "learning_rate must be a positive number"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        duality_gap(quadratic, Number(0), Number(0), *arguments)
