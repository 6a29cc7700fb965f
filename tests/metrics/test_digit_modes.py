import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import stats

from ganzoo.errors import InputError
from ganzoo.metrics import DigitModes
from ganzoo.metrics.digit_modes import single_digits
from ganzoo.metrics.features import FeatureExtractor
from ganzoo.metrics.inputs import MetricInputs, SampleSet


class LevelOfDigits(FeatureExtractor):
    """Knows a digit d by its mean level, (2 d + 1) / 20 of the way from -1 to 1."""

    name = "level"
    dimension = 1

    def __init__(self, classes=10):
        super().__init__()
        self.classes = classes

    def features(self, images):
        assert images.shape[1:] == (1, 4, 4)
        return (images.mean(dim=(2, 3)) + 1) / 2

    def classify(self, features):
        middles = (torch.arange(self.classes) + 0.5) / self.classes
        return -(features - middles).abs()


def pictures(modes):
    """Pictures [N, 3, 4, 4] of the modes."""
    modes = torch.as_tensor(modes)
    digits = torch.stack([modes // 100, modes // 10 % 10, modes % 10], dim=1)
    levels = (2 * digits + 1) / 10 - 1
    return levels[:, :, None, None] + torch.linspace(-0.02, 0.02, 16).view(4, 4)


def measure(modes, batch_size=300):
    metric = DigitModes(classifier=LevelOfDigits(), batch_size=batch_size)
    metric.update(pictures(modes), real=False)
    return {name: value.item() for name, value in metric.compute().items()}


def uniform(count, seed=0):
    return torch.randint(1000, (count,), generator=torch.Generator().manual_seed(seed))


def test_channels_are_hundreds_tens_and_ones():
    metric = DigitModes(classifier=LevelOfDigits(), batch_size=300)
    assert metric.name_modes(pictures([0, 7, 70, 700, 123, 999])).tolist() == [
        *(0, 7, 70, 700, 123, 999)
    ]


def test_values_are_those_of_a_histogram_and_of_scipys_entropy():
    modes = uniform(700) // 3
    counts = np.bincount(modes.numpy(), minlength=1000)
    values = measure(modes)
    assert values["modes"] == np.count_nonzero(counts)
    expected = stats.entropy(counts / 700, np.full(1000, 1 / 1000))
    assert values["mode_kl"] == pytest.approx(expected, rel=1e-5)


def test_the_best_and_the_worst():
    assert measure(torch.arange(1000).repeat(2)) == {
        "modes": 1000,
        "mode_kl": pytest.approx(0, abs=1e-6),
    }
    assert measure([42] * 50) == {"modes": 1, "mode_kl": pytest.approx(math.log(1000), rel=1e-6)}


def test_dropped_modes_show():
    kept = uniform(26_000)
    whole, half = measure(kept), measure(kept // 2)
    assert whole["modes"] == 1000 and half["modes"] == 500
    assert half["mode_kl"] - whole["mode_kl"] == pytest.approx(math.log(2), abs=0.02)


@pytest.mark.parametrize("count", [2000, 10_000, 26_000])
def test_a_perfect_generator_gets_what_the_docstring_says(count):
    values = measure(uniform(count))
    assert values["modes"] == pytest.approx(1000 * (1 - math.exp(-count / 1000)), abs=30)
    if count > 2000:
        assert values["mode_kl"] == pytest.approx(999 / (2 * count), rel=0.15)


def test_order_batches_and_devices_do_not_matter():
    modes = uniform(500)
    expected = measure(modes)
    assert measure(modes.flip(0)) == expected
    assert measure(modes, batch_size=7) == expected
    parts = [DigitModes(classifier=LevelOfDigits(), batch_size=300) for _ in range(2)]
    for metric, part in zip(parts, modes.split([200, 300]), strict=True):
        metric.update(pictures(part), real=False)
    states = iter([[metric.counts for metric in parts]])
    parts[0].dist_sync_fn = lambda tensor, group: next(states)
    parts[0].distributed_available_fn = lambda: True
    assert {name: value.item() for name, value in parts[0].compute().items()} == expected


def test_real_samples_are_passed_over_and_features_not_looked_at():
    sets = [
        SampleSet(pictures(modes), None, torch.zeros(len(modes), 2), LevelOfDigits())
        for modes in ([1, 2, 3, 4], [5, 5, 6])
    ]
    comparison = MetricInputs(*sets)
    metric = DigitModes(classifier=LevelOfDigits(), batch_size=300)
    assert metric.measure(comparison)["modes"] == 2
    assert metric.measure(comparison)["modes"] == 2
    assert metric.protocol() == {
        "batch_size": 300,
        "classifier": LevelOfDigits().protocol(),
    }


def test_wrong_input_is_one_line():
    metric = DigitModes(classifier=LevelOfDigits(), batch_size=300)
    with pytest.raises(InputError, match=r"images \[B, 3, H, W\], not \[5, 1, 4, 4\]"):
        metric.update(torch.zeros(5, 1, 4, 4), real=False)
    with pytest.raises(InputError, match=r"not \[5, 3\]"):
        metric.update(torch.zeros(5, 3), real=True)
    broken = pictures([1, 2])
    broken[1, 0, 0, 0] = float("nan")
    with pytest.raises(InputError, match="1 of 2 generated samples are NaN"):
        metric.update(broken, real=False)
    with pytest.raises(InputError, match="not of 12 classes"):
        DigitModes(classifier=LevelOfDigits(12), batch_size=9).update(pictures([1]), real=False)
    with pytest.raises(InputError, match="batch_size"):
        DigitModes(classifier=LevelOfDigits(), batch_size=0)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_samples_are_one_line():
    with pytest.raises(InputError, match="needs at least 1 generated samples, got 0"):
        DigitModes(classifier=LevelOfDigits(), batch_size=300).compute()


def test_only_stacked_digits_have_single_ones():
    assert single_digits(SimpleNamespace(digits="these")) == "these"
    with pytest.raises(InputError, match=r"^SimpleNamespace has no stacked [^\n]*stacked_mnist$"):
        single_digits(SimpleNamespace())
