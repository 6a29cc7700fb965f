"""What is a circle and what is not, on made-up paths; real games are in test_monitor.py."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import periodogram

from ganzoo.callbacks.cycling import Cycling, strongest_oscillation
from ganzoo.callbacks.symptoms import GameStatistics
from ganzoo.errors import InputError

DEFAULT = {
    "window": 40,
    "scales": [1, 2, 4, 8],
    "cycles": 4,
    "share": 0.6,
    "steadiness": 0.8,
    "amplitude": 0.05,
}


def words_on(path, *, spread=1.0, **changes):
    """What is said on the way, with measurements every 100 updates."""
    symptom = Cycling(**(DEFAULT | changes))
    for index, position in enumerate(np.asarray(path, dtype=float).tolist()):
        statistics = GameStatistics(
            step=100 * (index + 1),
            real_logits=0.0,
            fake_logits=0.0,
            accuracy=0.5,
            ranking=0.5,
            diversity=1.0,
            spread=spread,
            gradient_norm=1.0,
            position=position,
        )
        if words := symptom.notice(statistics):
            return words
    return None


def circle(length, period, *, noise=0.0, seed=0):
    angle = 2 * np.pi * np.arange(length) / period
    path = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return path + noise * np.random.default_rng(seed).standard_normal(path.shape)


@pytest.mark.parametrize("length", [40, 41])
def test_the_oscillation_is_the_peak_of_the_periodogram(length):
    path = circle(length, 6.3, noise=0.3) + np.linspace(0, 7, length)[:, None]
    found = strongest_oscillation(torch.from_numpy(path), least_cycles=2)
    frequencies, power = periodogram(path, axis=0, detrend="linear", scaling="spectrum")
    power = power.sum(axis=1)
    pairs = (power[:-1] + power[1:])[2:]
    assert found.share == pytest.approx(pairs.max() / power.sum(), rel=1e-9)
    low = pairs.argmax() + 2
    assert frequencies[low] * length <= found.cycles <= frequencies[low + 1] * length
    assert found.cycles == pytest.approx(length / 6.3, abs=0.3)
    assert found.amplitude == pytest.approx(math.sqrt(power.sum()), rel=1e-9)


@pytest.mark.parametrize("cycles", [5, 5.5])
def test_an_even_circle_has_a_share_of_at_least_four_fifths(cycles):
    found = strongest_oscillation(torch.from_numpy(circle(40, 40 / cycles)), least_cycles=4)
    assert found.share > 0.78
    assert found.steadiness == pytest.approx(1, abs=0.1)
    assert found.amplitude == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("period", [2.6, 5, 8.3, 25, 70])
def test_circles_are_noticed_at_every_length(period):
    words = words_on(circle(320, period, noise=0.3))
    assert words.startswith("training runs in circles")
    updates = float(words.split("about every ")[1].split(" ")[0])
    assert updates == pytest.approx(100 * period, rel=0.15)


def test_circles_are_noticed_as_soon_as_the_window_is_full():
    assert words_on(circle(39, 6)) is None
    words = words_on(circle(40, 6))
    assert words.startswith("training runs in circles: the samples come back about every 589 up")
    assert "over the last 4000 updates" in words
    assert "\n" not in words


def test_swaying_between_two_places_is_a_circle_too():
    assert words_on(np.sign(circle(80, 7.0)))


def test_a_spiral_that_opens_is_a_circle_and_one_that_closes_is_not():
    growth = np.exp(0.02 * np.arange(300))[:, None]
    assert words_on(circle(300, 7) * growth)
    assert words_on(circle(300, 7) / growth) is None


def random_paths(kind, count=10, length=200, coordinates=2):
    random = np.random.default_rng(1)
    for _ in range(count):
        noise = random.standard_normal((length, coordinates))
        yield kind(noise)


def relaxing(noise, time=3.0):
    path = np.zeros_like(noise)
    for index in range(1, len(noise)):
        path[index] = math.exp(-1 / time) * path[index - 1] + noise[index]
    return path


@pytest.mark.parametrize(
    "kind",
    [
        lambda noise: noise,
        lambda noise: np.cumsum(noise, axis=0),
        relaxing,
        lambda noise: np.linspace(0, 30, len(noise))[:, None] + noise,
        lambda noise: 30 * np.exp(-np.arange(len(noise)) / 40)[:, None] + noise,
    ],
    ids=["noise around a point", "random walk", "relaxation", "straight way", "arrival"],
)
def test_chance_is_no_circle(kind):
    assert [words_on(path) for path in random_paths(kind)] == [None] * 10


def test_standing_still_and_going_straight_are_no_circles():
    assert words_on(np.ones((100, 3))) is None
    assert words_on(np.linspace(0, 1, 100)[:, None]) is None


def test_a_circle_is_small_against_the_data_or_against_the_way_so_far():
    path = 0.04 * circle(60, 6)
    assert words_on(path, spread=1.0) is None
    assert words_on(path, spread=0.5)
    assert words_on(np.concatenate([[[9.0, 0.0]], path]), spread=0.5) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 10}, r"window must be more than 2 \* \(cycles \+ 1\), not 10"),
        ({"scales": [1, 0]}, r"scales\[1\] must be a whole number from 1 up, not 0"),
        ({"scales": []}, "longest_scale must be a whole number from 1 up, not 0"),
        ({"share": 1.0}, "share must be between 0 and 1, not 1.0"),
        ({"steadiness": -1}, "steadiness must be zero or a positive number, not -1"),
    ],
)
def test_settings_out_of_range(changes, message):
    with pytest.raises(InputError, match=message):
        Cycling(**(DEFAULT | changes))
