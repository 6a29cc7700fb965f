"""Images of any type and range, given to features and to metrics."""

import logging

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics import (
    ClassificationAccuracy,
    DigitModes,
    FrechetDistance,
    Memorization,
    MultiScaleSimilarity,
    PerceptualPathLength,
    features,
)
from ganzoo.metrics.classifier import ClassifierTraining
from ganzoo.metrics.features import IdentityFeatures, PixelFeatures, RandomFeatures
from ganzoo.metrics.images import _warn_of_unit_range, to_image_range
from ganzoo.metrics.resizing import quantize
from ganzoo.metrics.sample_batches import TensorSamples

EXTRACTORS = [IdentityFeatures(), PixelFeatures(), RandomFeatures(dimension=8, seed=0)]
LEVELS = torch.randint(256, (12, 3, 16, 16), generator=torch.Generator().manual_seed(0)).byte()
SCALED = LEVELS.float() / 127.5 - 1
WRONG = {
    "whole numbers": (LEVELS.long(), r"torch.int64 .* uint8 .* \[-1, 1\]"),
    "truth values": (LEVELS > 9, "torch.bool"),
    "float levels": (LEVELS.float(), r"span 0 to 255: scale .* images / 127.5 - 1"),
    "normalized": (2.6 * SCALED, r"span -2.6 to 2.6: undo their normalization"),
    "not finite": (SCALED.clone().fill_(torch.nan), "NaN or infinite"),
}


def wrong(test):
    return pytest.mark.parametrize(("images", "message"), WRONG.values(), ids=WRONG)(test)


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=lambda e: e.name)
def test_features_of_levels_are_those_of_the_scaled_images(extractor):
    assert extractor(LEVELS).equal(extractor(SCALED))
    torch.testing.assert_close(extractor(SCALED.half()), extractor(SCALED), atol=5e-3, rtol=0.1)
    assert quantize(LEVELS).equal(LEVELS) and quantize(SCALED).equal(LEVELS)
    overshoot = SCALED.clone()
    overshoot[0, 0, 0, 0] = 1.2
    assert extractor(overshoot).isfinite().all()


@wrong
def test_every_extractor_refuses_what_is_out_of_range(images, message):
    for extractor in EXTRACTORS:
        with pytest.raises(InputError, match=message) as error:
            extractor(images)
        assert len(str(error.value)) < 300
    for name in features.__all__:
        assert name == "FeatureExtractor" or "forward" not in vars(getattr(features, name))


def frechet(real, fake, extract=lambda images: images):
    metric = FrechetDistance()
    metric.update(extract(real), real=True)
    metric.update(extract(fake), real=False)
    return metric.compute()["fid"].item()


@pytest.mark.parametrize("extract", [EXTRACTORS[2], lambda images: images], ids=["network", "raw"])
def test_real_levels_and_scaled_fakes_are_measured_in_one_range(extract):
    noise = torch.randint(256, (12, 3, 16, 16), generator=torch.Generator().manual_seed(1)).byte()
    expected = frechet(SCALED, noise.float() / 127.5 - 1, extract)
    assert frechet(LEVELS, noise, extract) == pytest.approx(expected, rel=1e-4)
    assert frechet(LEVELS, noise.float() / 127.5 - 1, extract) == pytest.approx(expected, rel=1e-4)
    assert frechet(LEVELS, SCALED, extract) == pytest.approx(0, abs=1e-4)


def similarity(images):
    metric = MultiScaleSimilarity(pairs=4, deviation=1.5, scales=5, batch_size=4, seed=0)
    metric.update(images, real=True)
    metric.update(images, real=False)
    return metric.compute()


def copying(images):
    metric = Memorization()
    metric.update(images, real=True)
    metric.update(images[:4], real=False)
    metric.hold_out(images[4:])
    return metric.compute()


def accuracies(images):
    training = ClassifierTraining(
        steps=2, batch_size=4, learning_rate=0.01, width=2, dimension=4, seed=0
    )
    metric, labels = ClassificationAccuracy(training=training), torch.arange(len(images)) % 2
    metric.update(images, labels=labels, real=True)
    metric.update(images, labels=labels, real=False)
    metric.hold_out(images, labels=labels)
    return metric.compute()


class FirstTen(PixelFeatures):
    """Pixels, of which the first ten are logits."""

    def classify(self, features):
        return features[:, :10]


def modes(images):
    metric = DigitModes(classifier=FirstTen(), batch_size=5)
    metric.update(images, real=False)
    return metric.compute()


class Still:
    """A generator that makes the same images of all latents."""

    def __init__(self, images):
        self.images = images

    def latents(self, count, *, seed):
        return torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))

    def decode(self, latents):
        return self.images[: len(latents)]


def path_length(images):
    metric = PerceptualPathLength(
        pairs=4, epsilon=1e-4, interpolation="linear", discard=0.0, seed=0
    )
    metric.update(Still(images), PixelFeatures())
    return metric.compute()


def stored(images):
    return {"samples": TensorSamples(images).samples}


MEASURES = [similarity, copying, accuracies, modes, path_length, stored]


@pytest.mark.parametrize("measured", MEASURES)
def test_metrics_of_images_take_levels_and_refuse_what_is_out_of_range(measured):
    for one, other in zip(measured(LEVELS).values(), measured(SCALED).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    for images, _ in list(WRONG.values())[:4]:
        with pytest.raises(InputError, match=r"uint8|\[-1, 1\]"):
            measured(images)


def test_images_in_zero_to_one_are_warned_of_once(caplog):
    _warn_of_unit_range.cache_clear()
    with caplog.at_level(logging.WARNING, logger="ganzoo"):
        for _ in range(3):
            to_image_range(LEVELS.float() / 255)
        to_image_range(SCALED)
    assert [r.message for r in caplog.records if "2 * images - 1" in r.message] == [
        caplog.records[0].message
    ]


def test_points_and_features_stay_as_they_are():
    points = 1000 * torch.randn(5, 2)
    assert to_image_range(points) is points
    assert IdentityFeatures()(points).equal(points)
    assert frechet(points, points + 3) == pytest.approx(18, rel=1e-3)
    pooled = points[:, :, None, None]
    assert frechet(pooled, pooled + 3) == pytest.approx(18, rel=1e-3)
