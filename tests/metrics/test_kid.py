import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torchmetrics.image.kid import KernelInceptionDistance

from ganzoo.errors import InputError
from ganzoo.metrics.features import RandomFeatures
from ganzoo.metrics.kernel_distance import KernelDistance


def digits():
    images = torch.tensor(load_digits().images).float()[:, None] / 8 - 1
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]


def rows(images):
    """Features of images, as a row each."""
    return RandomFeatures(dimension=16, seed=0)(images)


def metric(*, subsets=5, subset_size=100, seed=0):
    return KernelDistance(subsets=subsets, subset_size=subset_size, seed=seed)


def measure(real, generated, **settings):
    built = metric(**settings)
    built.update(real, real=True)
    built.update(generated, real=False)
    return {name: value.item() for name, value in built.compute().items()}


def by_definition(real, generated):
    """Equation 3 of Gretton et al. with sums over pairs, one by one."""

    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    n = len(real)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    within = sum(kernel(s[i], s[j]) for s in (real, generated) for i, j in pairs) / len(pairs)
    across = sum(kernel(x, y) for x in real for y in generated) / n**2
    return within - 2 * across


def test_it_is_the_definition():
    points = np.random.default_rng(0).standard_normal((2, 20, 3))
    points[1] += 0.3
    measured = measure(*map(torch.from_numpy, points), subsets=1, subset_size=20)
    assert measured["kid"] == pytest.approx(by_definition(*points), rel=1e-5)
    assert measured["kid_deviation"] == 0


def test_agrees_with_torchmetrics_and_torch_fidelity():
    real, generated = digits()[:150], 0.5 * digits()[150:300]
    ours = measure(rows(real), rows(generated), subsets=3, subset_size=150)["kid"]
    network = RandomFeatures(dimension=16, seed=0)
    theirs = KernelInceptionDistance(feature=network, subsets=3, subset_size=150)
    theirs.update(real, real=True)
    theirs.update(generated, real=False)
    assert ours == pytest.approx(theirs.compute()[0].item(), rel=1e-3)
    reference = pytest.importorskip("torch_fidelity.metric_kid")
    expected = reference.kid_features_to_metric(
        rows(real).double(),
        rows(generated).double(),
        kid_subsets=3,
        kid_subset_size=150,
        verbose=False,
    )
    assert ours == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-5)


def test_two_halves_are_at_zero_and_noise_is_not():
    halves = measure(rows(digits()[:800]), rows(digits()[800:1600]), subsets=20)
    noise = torch.randn(800, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    noisy = (digits()[800:1600] + noise).clamp(-1, 1)
    noisy = measure(rows(digits()[:800]), rows(noisy), subsets=20)
    assert abs(halves["kid"]) < 3 * halves["kid_deviation"] / 20**0.5
    assert noisy["kid"] > 10 * noisy["kid_deviation"] / 20**0.5


def test_the_seed_alone_chooses_the_subsets():
    real, generated = rows(digits()[:300]), rows(digits()[300:600])
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = measure(real, generated)
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(2)
    assert measure(real, generated) == first
    assert measure(real, generated, seed=1) != first


@pytest.mark.parametrize("counts, name", [((99, 100), "real"), ((100, 0), "generated")])
def test_too_few_samples(counts, name):
    built = metric()
    built.update(torch.zeros(counts[0], 3), real=True)
    built.update(torch.zeros(counts[1], 3), real=False)
    with pytest.raises(InputError, match=f"at least 100 {name} samples.*subset_size"):
        built.compute()


@pytest.mark.parametrize("setting", [{"subsets": 0}, {"subset_size": 1}, {"subsets": 1.5}])
def test_numbers_must_be_whole(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        metric(**setting)
