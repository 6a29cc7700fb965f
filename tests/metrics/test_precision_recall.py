import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits

from ganzoo.errors import InputError
from ganzoo.metrics import PRDC


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def measure(real, generated, k=3):
    metric = PRDC(neighbors=k)
    metric.update(real, real=True)
    metric.update(generated, real=False)
    values = metric.compute()
    return {name: values[name].item() for name in ("precision", "recall")}


def brute_force(real, generated, k):
    def covered(support, samples):
        radii = np.sort(cdist(support, support), axis=1)[:, k]
        return np.mean([(cdist(support, [x])[:, 0] < radii).any() for x in samples])

    return {"precision": covered(real, generated), "recall": covered(generated, real)}


@pytest.mark.parametrize("k", [1, 3, 5])
def test_agrees_with_prdc_and_with_brute_force(k):
    real, generated = normal(150, 6), 0.8 * normal(120, 6, seed=1) + 0.3
    ours = measure(real, generated, k)
    theirs = compute_prdc(real.numpy(), generated.numpy(), k)
    assert 0 < ours["precision"] < 1 and 0 < ours["recall"] < 1
    assert ours == pytest.approx({name: theirs[name] for name in ours}, abs=1e-6)
    assert ours == pytest.approx(brute_force(real.numpy(), generated.numpy(), k), abs=1e-6)


def test_agrees_with_prdc_on_digits_where_distances_tie():
    digits = torch.tensor(load_digits().data) / 8 - 1
    real, generated = digits[:400], digits[400:750]
    theirs = compute_prdc(real.numpy(), generated.numpy(), 3)
    ours = measure(real.float().view(-1, 1, 8, 8), generated.float().view(-1, 1, 8, 8))
    assert ours == pytest.approx({name: theirs[name] for name in ours}, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_set_against_itself_is_perfect(dtype):
    points = normal(100, 20, dtype=dtype)
    assert measure(points, points) == {"precision": 1.0, "recall": 1.0}


def test_sets_far_apart_share_nothing():
    assert measure(normal(50, 3), normal(50, 3, seed=1) + 100) == {"precision": 0, "recall": 0}


def test_neither_order_nor_batches_matter():
    real, generated = normal(90, 4), normal(80, 4, seed=1)
    metric = PRDC(neighbors=3)
    for batch in generated.flip(0).split(17):
        metric.update(batch, real=False)
    for batch in real.flip(0).split(11):
        metric.update(batch, real=True)
    found = metric.compute()
    values = {name: found[name].item() for name in ("precision", "recall")}
    assert values == measure(real, generated)


def test_swapping_the_sets_swaps_the_values():
    first, second = normal(90, 4), 0.5 * normal(80, 4, seed=1)
    forward, backward = measure(first, second), measure(second, first)
    assert forward["precision"] == backward["recall"]
    assert forward["recall"] == backward["precision"]
    assert forward["precision"] > forward["recall"]


def test_dropped_modes_lower_recall_only():
    centers = 10 * torch.arange(4).repeat_interleave(50)[:, None]
    real, generated = normal(200, 2) + centers, normal(200, 2, seed=1) + centers
    whole, half = measure(real, generated), measure(real, generated[:100])
    assert whole["recall"] > 0.9
    assert half["recall"] < 0.55
    assert half["precision"] > 0.9


def test_noise_lowers_precision():
    images = torch.tensor(load_digits().images[:600])[:, None] / 8 - 1
    real, held_out = images[:300], images[300:]
    noisy = (held_out + 0.7 * normal(300, 1, 8, 8)).clamp(-1, 1)
    assert measure(real, noisy)["precision"] < 0.5 * measure(real, held_out)["precision"]


def test_a_collapsed_generator_recalls_nothing():
    real = normal(50, 2)
    assert measure(real, real[:1].expand(50, -1)) == {"precision": 1.0, "recall": 0.0}


@pytest.mark.parametrize("neighbors", [0, -1, 2.5, float("nan")])
def test_neighbors_must_be_a_positive_whole_number(neighbors):
    with pytest.raises(InputError, match="neighbors"):
        PRDC(neighbors=neighbors)


@pytest.mark.parametrize("real, generated", [(3, 10), (10, 3)])
def test_too_few_samples_are_an_error(real, generated):
    with pytest.raises(InputError, match=r"at least 4 (real|generated) samples, got 3"):
        measure(normal(real, 2), normal(generated, 2))
