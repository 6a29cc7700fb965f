"""Averages of weights against sums written by hand."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage, UniformAverage
from ganzoo.models.gan import GAN
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


def at_one(average, network, iterations, batch):
    """The average's weight after iterations at 1, having started from 0."""
    with torch.no_grad():
        network.weight.fill_(1.0)
    for number in range(1, iterations + 1):
        average.update(network, Progress(number, number * batch, batch))
    return average.network.weight.item()


def from_zero(kind=ExponentialMovingAverage, **settings):
    network = nn.Linear(1, 1, bias=False).double()
    nn.init.zeros_(network.weight)
    return kind(network, **settings), network


HALF_LIFE = {"decay": None, "start_step": 0}


@pytest.mark.parametrize(("batch", "iterations"), [(8, 30), (16, 15), (48, 5)])
def test_a_half_life_in_images_means_the_same_at_any_batch_size(batch, iterations):
    """Of what was there before, half is left after 60 images, whoever showed them."""
    average = from_zero(**HALF_LIFE, half_life=60, unit="images", ramp=None)
    assert at_one(*average, iterations, batch) == pytest.approx(1 - 0.5 ** (240 / 60), abs=1e-12)


@pytest.mark.parametrize("batch", [1, 32])
def test_a_half_life_in_iterations_knows_no_batch_size(batch):
    average = from_zero(**HALF_LIFE, half_life=5, unit="iterations", ramp=None)
    assert at_one(*average, 12, batch) == pytest.approx(1 - 0.5 ** (12 / 5), abs=1e-12)


@pytest.mark.parametrize("unit", ["iterations", "images"])
def test_with_a_ramp_alone_the_past_is_forgotten_as_a_power_of_the_time(unit):
    """The half-life is r t, so that 1/2 to the sum of 1 / (r t) is left: harmonic numbers."""
    average = from_zero(**HALF_LIFE, half_life=10**9, unit=unit, ramp=2.0)
    harmonic = sum(1 / t for t in range(1, 21))
    assert at_one(*average, 20, 8) == pytest.approx(1 - 0.5 ** (harmonic / 2.0), abs=1e-12)


def test_a_ramp_ends_where_the_half_life_is_reached():
    """StyleGAN2's rule: the smaller of the half-life and r times what was shown."""
    average = from_zero(**HALF_LIFE, half_life=40, unit="images", ramp=0.5)
    left = 1.0
    for number in range(1, 21):
        left *= 0.5 ** (8 / min(40, 0.5 * 8 * number))
    assert at_one(*average, 20, 8) == pytest.approx(1 - left, abs=1e-12)


def test_a_decay_is_a_half_life():
    """0.999 at batches of 64 is a half-life of 44 thousand images."""
    half_life = 64 * math.log(0.5) / math.log(0.999)
    assert half_life == pytest.approx(44_340, rel=1e-4)
    one = at_one(*from_zero(decay=0.999, half_life=None, ramp=None), 100, 64)
    other = at_one(*from_zero(decay=None, half_life=half_life, unit="images", ramp=None), 100, 64)
    assert one == pytest.approx(other, rel=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decay": 0.9, "half_life": 10}, "give one of optimizer.ema.decay and ema.half_life"),
        ({"decay": None, "half_life": None}, "give one of optimizer.ema.decay and ema.half_life"),
        ({"decay": 1.0}, "optimizer.ema.decay must be at least 0 and below 1"),
        ({"decay": 0.9, "ramp": 0.05}, "ema.ramp bounds a half-life"),
        ({"decay": None, "half_life": -3}, "ema.half_life must be a positive number"),
        ({"decay": None, "half_life": 0}, "ema.half_life must be a positive number"),
        ({"decay": None, "half_life": 3, "ramp": 0.0}, "ema.ramp must be a positive number"),
        ({"unit": "epochs"}, "unit must be iterations or images, not epochs"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        ExponentialMovingAverage(nn.Linear(1, 1), **settings)


def test_in_the_game_all_modules_are_averaged_by_the_images_shown(gan, trainer, batches):
    """Of one iteration with two steps of the discriminator: all the data of its batch."""
    seen = []

    class Both(GAN):
        def averaged_modules(self):
            return {"generator": self.generator, "critic": self.discriminator}

        def end_iteration(self):
            super().end_iteration()
            seen.append({name: weight(module) for name, module in self.averaged_modules().items()})

    ema = partial(ExponentialMovingAverage, decay=None, half_life=20, unit="images", ramp=None)
    model = gan(Both, ema=ema, discriminator_steps=2)
    expected = {name: weight(module) for name, module in model.averaged_modules().items()}
    trainer(4).fit(model, batches(8, 2))
    decay = 0.5 ** (8 / 20)
    for now in seen:
        expected = {name: decay * expected[name] + (1 - decay) * now[name] for name in now}
    assert set(model.ema) == {"generator", "critic"}
    for name, value in expected.items():
        torch.testing.assert_close(weight(model.ema[name].network), value)


def weight(module):
    return next(module.parameters()).detach().clone()


def test_buffers_are_copied_and_numbers_checked():
    network = nn.BatchNorm1d(2)
    average = UniformAverage(network, start_step=0)
    network(torch.randn(8, 2) + 5)
    average.update(network, Progress(iterations=1))
    torch.testing.assert_close(average.network.running_mean, network.running_mean)
    with pytest.raises(InputError, match="start_step must be zero or a positive"):
        UniformAverage(network, start_step=-1)
