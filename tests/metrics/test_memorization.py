import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm
from sklearn.datasets import load_digits

from ganzoo.errors import InputError
from ganzoo.metrics.features import IdentityFeatures
from ganzoo.metrics.inputs import MetricInputs, SampleSet
from ganzoo.metrics.memorization import Memorization, rank_score
from ganzoo.metrics.neighbors import find_nearest


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def measure(training, generated, held_out):
    metric = Memorization()
    metric.hold_out(held_out)
    metric.update(training, real=True)
    metric.update(generated, real=False)
    return {name: value.item() for name, value in metric.compute().items()}


@pytest.mark.parametrize("digits", [0, 3])
def test_the_score_agrees_with_scipy(digits):
    first = (normal(80).double() - 0.2).mul(2).round(decimals=digits)
    second = normal(50, seed=1).double().mul(2).round(decimals=digits)
    expected = mannwhitneyu(
        first, second, alternative="less", method="asymptotic", use_continuity=False
    )
    assert norm.cdf(rank_score(first, second).item()) == pytest.approx(expected.pvalue, rel=1e-9)


def test_values_agree_with_scipy_distances():
    training, generated, held_out = (
        normal(90, 5),
        0.9 * normal(60, 5, seed=1),
        normal(40, 5, seed=2),
    )
    ours, theirs = (cdist(points, training).min(axis=1) for points in (generated, held_out))
    p = mannwhitneyu(ours, theirs, alternative="less", method="asymptotic", use_continuity=False)
    values = measure(training, generated, held_out)
    assert norm.cdf(values["copying"]) == pytest.approx(p.pvalue, rel=1e-4)
    assert values["copying_ratio"] == pytest.approx(np.median(ours) / np.median(theirs), rel=1e-4)


def test_fresh_copied_and_noisy_digits_are_told_apart():
    digits = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 1
    digits = digits[torch.randperm(len(digits), generator=torch.Generator().manual_seed(0))]
    training, held_out, fresh = digits[:1000], digits[1000:1400], digits[1400:]
    assert abs(measure(training, fresh, held_out)["copying"]) < 3
    copies = training[:300] + 0.05 * normal(300, 64)
    values = measure(training, copies, held_out)
    assert values["copying"] < -10
    assert values["copying_ratio"] < 0.5
    assert measure(training, fresh + 0.5 * normal(397, 64), held_out)["copying"] > 10


def test_exact_copies_and_equal_distances():
    training = normal(20, 3)
    assert measure(training, training, normal(20, 3, seed=1))["copying_ratio"] == 0
    assert measure(training, training, training) == {"copying": 0, "copying_ratio": 1}


def test_a_comparison_is_asked_for_its_held_out_samples():
    extractor = IdentityFeatures()
    sets = [SampleSet(normal(30, 2), None, normal(30, 3, seed=i), extractor) for i in range(3)]
    training, generated, held_out = sets
    asked = MetricInputs(training, generated, held_out=held_out)
    values = {name: value.item() for name, value in Memorization().measure(asked).items()}
    assert values == measure(*(side.features for side in sets))
    without = MetricInputs(training, generated)
    with pytest.raises(InputError, match="Memorization needs real samples that the generator was"):
        Memorization().measure(without)


def test_reset_forgets_the_held_out_samples():
    metric = Memorization()
    metric.hold_out(normal(5, 3))
    metric.reset()
    metric.update(normal(5, 3), real=True)
    metric.update(normal(5, 3), real=False)
    with pytest.raises(InputError, match="held-out sample, got 0"):
        metric.compute()


def test_the_nearest_is_found_over_blocks_and_dimensions():
    for dim in (1, 30):
        points, others = normal(30, dim), normal(4500, dim, seed=1)
        exact = cdist(points.double(), others.double())
        distances, indices = find_nearest(points, others)
        np.testing.assert_allclose(distances, exact.min(axis=1), rtol=1e-9)
        np.testing.assert_array_equal(indices, exact.argmin(axis=1))


def test_wrong_sets_are_refused():
    with pytest.raises(InputError, match="at least 1 held-out sample, got 0"):
        measure(normal(5, 3), normal(5, 3), torch.empty(0, 3))
    broken = normal(5, 3)
    broken[2, 1] = torch.nan
    with pytest.raises(InputError, match="1 of 5 real samples are NaN"):
        measure(normal(5, 3), normal(5, 3), broken)
    with pytest.raises(InputError, match="2 values do not fit"):
        measure(normal(5, 3), normal(5, 3), normal(5, 2))
