import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics.features import (
    IdentityFeatures,
    PixelFeatures,
    RandomFeatures,
)
from ganzoo.metrics.resizing import quantize


def images(count=4, channels=3, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, channels, size, size, generator=generator) - 1


def random_features(seed=0):
    return RandomFeatures(dimension=12, seed=seed)


def test_points_are_their_own_features():
    points = torch.randn(5, 2)
    assert IdentityFeatures()(points).equal(points)
    assert IdentityFeatures()(images()).equal(images().flatten(1))


def test_pixels_are_rounded_to_the_levels_of_a_file():
    rows = PixelFeatures()(1.1 * images())
    assert rows.shape == (4, 768)
    assert quantize(rows.view(4, 3, 16, 16)).equal(quantize(1.1 * images()))
    assert rows.sub(images().flatten(1) * 1.1).abs().max() > 0.05
    assert rows.abs().max() <= 1


def test_random_features_depend_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = random_features()(images())
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(2)
    assert random_features()(images()).equal(first) and first.shape == (4, 12)
    assert not random_features(seed=1)(images()).equal(first)
    grey = images(channels=1)
    assert random_features()(grey).equal(random_features()(grey.repeat(1, 3, 1, 1)))
    with pytest.raises(InputError, match="points"):
        random_features()(torch.zeros(3, 2))


def test_features_are_fixed_and_in_full_precision():
    features = random_features().train()
    assert not features.training and not any(p.requires_grad for p in features.parameters())
    inputs = images().requires_grad_()
    expected = features(inputs)
    assert expected.dtype == torch.float32 and not expected.requires_grad
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert features(inputs).equal(expected)
    parts = features.extract(inputs, batch_size=3)
    torch.testing.assert_close(parts, expected, rtol=1e-6, atol=1e-6)


def test_fingerprints_tell_weights_and_protocols_apart():
    prints = [
        random_features().fingerprint(),
        random_features(seed=1).fingerprint(),
        RandomFeatures(dimension=13, seed=0).fingerprint(),
        IdentityFeatures().fingerprint(),
        PixelFeatures().fingerprint(),
    ]
    assert len(set(prints)) == 5 and all(len(value) == 64 for value in prints)
    assert random_features().fingerprint() == prints[0]
    changed = random_features()
    changed.layers[0].data[0, 0, 0, 0] += 1e-6
    assert changed.fingerprint() not in prints


def test_features_without_classes_say_so():
    with pytest.raises(InputError, match="random have no class logits"):
        random_features().classify(random_features()(images()))
