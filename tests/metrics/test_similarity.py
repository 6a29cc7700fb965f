import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d

from ganzoo.errors import InputError
from ganzoo.metrics.similarity import MultiScaleSimilarity, random_pairs

SETTINGS = {"pairs": 40, "deviation": 0.7, "scales": 3, "batch_size": 7, "seed": 0}


def images(count, seed=0, size=28, channels=1, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, 4, 4, generator=generator)
    base = torch.randn(1, channels, 4, 4, generator=torch.Generator().manual_seed(99))
    smooth = torch.nn.functional.interpolate(base + spread * coarse, size=size, mode="bilinear")
    return smooth.tanh()


def measure(real, generated, **settings):
    metric = MultiScaleSimilarity(**(SETTINGS | settings))
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return {name: value.item() for name, value in metric.compute().items()}


def blur(image, width, whole):
    """The Gaussian window with deviation 0.7, everywhere or where it lies within the image."""
    kernel = np.exp(-((np.arange(width) - width // 2) ** 2) / (2 * 0.7**2))
    for axis in (0, 1):
        image = convolve1d(image, kernel / kernel.sum(), axis=axis, mode="mirror")
    half = width // 2
    return image if whole else image[half:-half, half:-half]


def similarity(a, b, width=5, weights=(0.0448, 0.2856, 0.3001)):
    """Wang et al. 2003, equation 7, for pictures of one channel and range 2.

    As torchmetrics has it, the coarsest scale goes on beyond the borders, by reflection.
    """
    weights = np.array(weights) / sum(weights)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    value = 1.0
    for scale, weight in enumerate(weights):
        last = scale == len(weights) - 1
        ma, mb, aa, bb, ab = (blur(x, width, last) for x in (a, b, a * a, b * b, a * b))
        structure = (2 * (ab - ma * mb) + c2) / (aa - ma**2 + bb - mb**2 + c2)
        luminance = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
        value *= max(0.0, (luminance * structure if last else structure).mean()) ** weight
        if not last:
            a, b = (x.reshape(len(x) // 2, 2, -1, 2).mean(axis=(1, 3)) for x in (a, b))
    return value


def test_agrees_with_the_paper_written_out():
    real, generated = images(12), images(9, seed=1, spread=0.3)
    values = measure(real, generated)
    for name, pictures in (("ms_ssim_real", real), ("ms_ssim", generated)):
        numbers = pictures[:, 0].double().numpy()
        pairs = zip(*random_pairs(len(pictures), 40, 0), strict=True)
        expected = np.mean([similarity(numbers[a], numbers[b]) for a, b in pairs])
        assert values[name] == pytest.approx(expected, abs=1e-5)


def test_pairs_are_of_different_images_and_reach_all_of_them():
    first, second = random_pairs(5, 2000, 0)
    assert (first != second).all()
    counts = torch.bincount(first * 5 + second, minlength=25).view(5, 5)
    assert counts.diagonal().sum() == 0
    assert counts.sum() == 2000 and counts[~torch.eye(5, dtype=torch.bool)].min() > 60


def test_the_same_image_again_and_again_is_one_and_less_variety_is_more():
    same = images(1).expand(10, -1, -1, -1)
    values = measure(images(20), same)
    assert values["ms_ssim"] == pytest.approx(1, abs=1e-5)
    assert values["ms_ssim_real"] < 0.7
    assert measure(images(20), images(20, seed=1, spread=0.2))["ms_ssim"] > values["ms_ssim_real"]


def test_batches_do_not_matter_and_the_seed_does():
    real, generated = images(10, channels=3), images(10, seed=1, channels=3)
    expected = measure(real, generated)
    assert measure(real, generated, batch_size=40) == pytest.approx(expected, abs=1e-6)
    assert measure(real, generated, seed=1) != expected


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"scales": 4}, "at least 40 pixels"),
        ({"scales": 6}, "at most 5"),
        ({"deviation": 0}, "deviation"),
        ({"pairs": 0}, "pairs"),
    ],
)
def test_settings_and_images_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        measure(images(3), images(3), **settings)


def test_too_few_images_are_refused():
    with pytest.raises(InputError, match="at least 2 generated images, got 1"):
        measure(images(3), images(1))
