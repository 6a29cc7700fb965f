import numpy as np
import pytest
import torch
from scipy import linalg
from scipy.spatial.distance import cdist

from ganzoo.errors import InputError
from ganzoo.metrics.fid import FrechetDistance
from ganzoo.metrics.memorization_fid import MemorizationInformedFrechetDistance


def normal(*shape, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random, dtype=torch.float64)


def measure(real, generated, metric=None, **settings):
    settings = {"threshold": 0.1, "limit": 1000} | settings
    metric = metric or MemorizationInformedFrechetDistance(**settings)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    (value,) = metric.compute().values()
    return value.item()


def cosine_distances(generated, real):
    """From each generated sample to the nearest real one, whatever its sign."""
    return (1 - np.abs(1 - cdist(generated, real, "cosine"))).min(axis=1)


def fid(first, second):
    covariances = [np.cov(rows, rowvar=False) for rows in (first, second)]
    apart = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    return apart + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.trace(root)


@pytest.mark.parametrize("counts", [(80, 80), (200, 30)])
def test_it_is_the_fid_over_the_mean_distance_to_the_nearest_real_sample(counts):
    real = normal(counts[0], 6)
    generated = real[: counts[1]] + 0.1 * normal(counts[1], 6, seed=1)
    distance = cosine_distances(generated.numpy(), real.numpy()).mean()
    assert 0.001 < distance < 0.1
    expected = fid(real.numpy(), generated.numpy()) / distance
    assert measure(real, generated) == pytest.approx(expected, rel=1e-6)


def test_above_the_threshold_it_is_the_fid():
    real, generated = normal(100, 12), 0.8 * normal(90, 12, seed=1)
    distance = cosine_distances(generated.numpy(), real.numpy()).mean()
    expected = measure(real, generated, FrechetDistance())
    assert measure(real, generated, threshold=distance - 0.01) == pytest.approx(expected, rel=1e-6)
    punished = measure(real, generated, threshold=distance + 0.01)
    assert punished == pytest.approx(expected / distance, rel=1e-6)


def test_copies_of_a_few_training_samples_are_punished_although_most_have_no_copy():
    real = normal(300, 12)
    copies = real[:20].repeat(5, 1) + 0.01 * normal(100, 12, seed=1)
    assert cosine_distances(real.numpy(), copies.numpy()).mean() > 0.1
    assert measure(real, copies) > 100 * measure(real, copies, FrechetDistance())


def test_the_closer_the_copies_the_worse_the_value_while_the_fid_falls():
    real = normal(300, 12)
    near, nearer = (real[:150] + noise * normal(150, 12, seed=1) for noise in (0.2, 0.02))
    assert measure(real, nearer, FrechetDistance()) < measure(real, near, FrechetDistance())
    assert measure(real, nearer) > 10 * measure(real, near)


def test_neither_the_order_nor_the_scale_of_samples_hides_copies():
    real = normal(100, 5)
    generated = real[:60] + 0.1 * normal(60, 5, seed=1)
    expected = measure(real, generated)
    assert measure(real.flip(0), generated.flip(0)) == pytest.approx(expected, rel=1e-6)
    assert measure(3 * real, 3 * generated) == pytest.approx(9 * expected, rel=1e-6)


def test_a_set_against_itself_is_zero():
    points = normal(60, 5)
    assert measure(points, points.flip(0)) == 0


def test_samples_that_cannot_be_compared_are_refused():
    with pytest.raises(InputError, match=r"limit=9 .* got 10 real and 5 generated"):
        measure(normal(10, 2), normal(5, 2), limit=9)
    with pytest.raises(InputError, match="at least 2 generated samples, got 1"):
        measure(normal(10, 2), normal(1, 2))
    for real, generated in ((0, 1), (1, 0)):
        with pytest.raises(InputError, match="all 0"):
            measure(real * normal(10, 2), generated * normal(10, 2))


@pytest.mark.parametrize("setting", [{"threshold": 0}, {"threshold": 1.5}, {"limit": 0}])
def test_settings_are_checked(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        measure(normal(5, 2), normal(5, 2), **setting)
