import math

import numpy as np
import ot
import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.losses import Minimax, NonSaturating, Wasserstein
from ganzoo.penalties.weight_clipping import WeightClipping
from ganzoo.theory import discrete, parallel_lines
from ganzoo.theory.parallel_lines import gradient_after_training, gradient_against_optimal

SATURATING, NON_SATURATING = Minimax(label_smoothing=0.0), NonSaturating(label_smoothing=0.0)
THETA = torch.tensor([-2.0, 0.0, 0.3], dtype=torch.float64)


class Flat(nn.Module):
    """A discriminator with one hidden layer, the same each time."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, points):
        return self.layers(points).squeeze(1)


def test_the_papers_table():
    assert parallel_lines.kullback_leibler(THETA).tolist() == [math.inf, 0, math.inf]
    assert parallel_lines.jensen_shannon(THETA).tolist() == [math.log(2), 0, math.log(2)]
    assert parallel_lines.total_variation(THETA).tolist() == [1, 0, 1]
    assert parallel_lines.wasserstein1(THETA).tolist() == [2.0, 0, 0.3]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (parallel_lines.kullback_leibler, 0.0),
        (parallel_lines.jensen_shannon, 0.0),
        (parallel_lines.total_variation, 0.0),
        (parallel_lines.wasserstein1, 1.0),
    ],
)
def test_only_the_wasserstein_distance_has_a_gradient(function, expected):
    theta = THETA.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(function(theta).nan_to_num(posinf=0).sum(), theta)
    assert slopes.tolist() == [-expected, 0.0, expected]


@pytest.mark.parametrize("theta", [-2.0, 0.3])
def test_values_are_those_of_points_on_the_two_lines(theta):
    heights = (np.arange(20) + 0.5) / 20
    real, fake = np.stack([0 * heights, heights], 1), np.stack([0 * heights + theta, heights], 1)
    weights = np.full(20, 1 / 20)
    distance = ot.emd2(weights, weights, ot.dist(real, fake, metric="euclidean"))
    place = torch.tensor(theta)
    assert parallel_lines.wasserstein1(place).item() == pytest.approx(distance)
    p = torch.cat([torch.tensor(weights), torch.zeros(20)])
    shannon = discrete.jensen_shannon(p, p.flip(0)).item()
    assert parallel_lines.jensen_shannon(place).item() == pytest.approx(shannon)
    assert discrete.kullback_leibler(p, p.flip(0)).item() == math.inf


def test_less_noise_takes_the_saturating_gradient_away_and_blows_up_the_other():
    theta = torch.tensor([0.5], dtype=torch.float64)
    noises = (0.2, 0.1, 0.05, 0.025)
    saturating = [gradient_against_optimal(SATURATING, theta, noise).item() for noise in noises]
    assert saturating[0] > 1 > saturating[1] > 1e-2
    assert 1e-3 > saturating[2] > saturating[3] > 0
    assert saturating[3] < 1e-15
    other = [gradient_against_optimal(NON_SATURATING, theta, noise).item() for noise in noises[1:]]
    assert other == pytest.approx([0.5 / noise**2 for noise in noises[1:]], rel=0.05)
    critic = [gradient_against_optimal(Wasserstein(), theta, noise).item() for noise in noises]
    assert critic == pytest.approx([1.0] * 4, rel=1e-9)


def test_longer_training_takes_the_saturating_gradient_away_and_not_the_critics():
    def after(loss, steps, *constraints):
        return gradient_after_training(loss, Flat(), 1.0, steps, 0.02, constraints).item()

    short, long = after(SATURATING, 20), after(SATURATING, 250)
    assert short > 0.1
    assert 0 < long < short / 20
    assert after(NON_SATURATING, 250) > 1
    clip = WeightClipping(clip_value=0.3, on="discriminator")
    critic = [after(Wasserstein(), steps, clip) for steps in (100, 250)]
    assert critic[0] > 0.5
    assert critic[1] == pytest.approx(critic[0], rel=0.2)


def test_a_linear_critic_with_clipped_weights_gives_its_clip_value():
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([0.0, 0.0]))

        def forward(self, points):
            return points @ self.weight

    critic = Linear()
    clip = WeightClipping(clip_value=0.3, on="discriminator")
    for theta in (-1.0, 2.0):
        value = gradient_after_training(Wasserstein(), critic, theta, 50, 0.05, [clip]).item()
        assert value == pytest.approx(0.3 * math.copysign(1, theta), rel=1e-6)
    assert critic.weight.tolist() == [0.0, 0.0]


def test_zero_steps_give_the_gradient_of_the_discriminator_as_it_is():
    discriminator = Flat().double()
    mine = gradient_after_training(Wasserstein(), discriminator, 0.7, 0, 0.1)
    heights = (torch.arange(64, dtype=torch.float64) + 0.5) / 64

    def score(place):
        points = torch.stack([torch.full_like(heights, place), heights], 1)
        return -discriminator(points).mean().item()

    assert mine.item() == pytest.approx((score(0.7001) - score(0.6999)) / 2e-4, rel=1e-5)


@pytest.mark.parametrize(
    ("steps", "rate", "message"), [(-1, 0.1, "steps must be"), (2, 0.0, "learning_rate must be")]
)
def test_wrong_arguments_are_refused(steps, rate, message):
    with pytest.raises(InputError, match=message):
        gradient_after_training(SATURATING, Flat(), 1.0, steps, rate)
