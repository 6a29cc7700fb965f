import numpy as np
import pytest
import torch
from scipy.signal import fftconvolve

from ganzoo.errors import InputError
from ganzoo.metrics.similarity import MultiScaleSimilarity, random_pairs

SETTINGS = {"pairs": 40, "deviation": 1.5, "scales": 5, "batch_size": 7, "seed": 0}
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def images(count, seed=0, size=28, channels=1, spread=1.0):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, channels, 4, 4, generator=generator)
    base = torch.randn(1, channels, 4, 4, generator=torch.Generator().manual_seed(99))
    smooth = torch.nn.functional.interpolate(base + spread * coarse, size=size, mode="bilinear")
    return smooth.tanh()


def levels(images):
    return (images * 127.5 + 128).floor().clamp(0, 255).to(torch.uint8)


def measure(real, generated, **settings):
    metric = MultiScaleSimilarity(**(SETTINGS | settings))
    metric.update(real, real=True)
    metric.update(generated, real=False)
    return {name: value.item() for name, value in metric.compute().items()}


def blur(image, deviation):
    """Means in all Gaussian windows within [C, H, W], shrunk where the image is smaller."""
    whole = 2 * int(3.5 * deviation + 0.5) + 1
    width = min(whole, *image.shape[1:])
    y, x = np.mgrid[:width, :width] - (width - 1) / 2
    window = np.exp(-(x**2 + y**2) / (2 * (deviation * width / whole) ** 2))
    return fftconvolve(image, window[None] / window.sum(), mode="valid")


def similarity(a, b, deviation=1.5, scales=5):
    """Wang et al. 2003, equation 7, with the windows of Karras et al., for levels [C, H, W]."""
    a, b = (np.asarray(x, dtype=np.float64) for x in (a, b))
    weights = np.array(WEIGHTS[:scales]) * sum(WEIGHTS) / sum(WEIGHTS[:scales])
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    value = 1.0
    for scale, weight in enumerate(weights, start=1):
        ma, mb, aa, bb, ab = (blur(x, deviation) for x in (a, b, a * a, b * b, a * b))
        term = (2 * (ab - ma * mb) + c2) / (aa - ma**2 + bb - mb**2 + c2)
        if scale == scales:
            term = term * (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
        value *= max(0.0, term.mean()) ** weight
        h, w = (size // 2 * 2 for size in a.shape[1:])
        a, b = (
            (x[:, :h:2, :w:2] + x[:, 1:h:2, :w:2] + x[:, :h:2, 1:w:2] + x[:, 1:h:2, 1:w:2]) / 4
            for x in (a, b)
        )
    return value


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ({"size": 28}, {}),  # 28, 14, 7, 3 and 1 pixels a side
        ({"size": 192, "channels": 3}, {"pairs": 6}),
        ({"size": 21}, {"deviation": 0.7, "scales": 3}),
    ],
)
def test_agrees_with_the_protocol_written_out(shape, settings):
    real, generated = images(12, **shape), images(9, seed=1, spread=0.3, **shape)
    values = measure(real, generated, **settings)
    written = {name: settings[name] for name in ("deviation", "scales") if name in settings}
    for name, pictures in (("ms_ssim_real", real), ("ms_ssim", generated)):
        pairs = zip(*random_pairs(len(pictures), settings.get("pairs", 40), 0), strict=True)
        numbers = levels(pictures).numpy()
        expected = np.mean([similarity(numbers[a], numbers[b], **written) for a, b in pairs])
        assert 0.01 < values[name] == pytest.approx(expected, abs=1e-6)


def of_two(first, second, **settings):
    """The similarity of two images of levels [C, H, W]."""
    pair = torch.stack([first, second]).to(torch.uint8)
    return measure(pair, pair, **settings)["ms_ssim"]


def test_a_difference_in_brightness_alone_costs_the_luminance_of_the_coarsest_scale():
    texture = torch.randint(-8, 9, (1, 64, 64), generator=torch.Generator().manual_seed(0))
    dark, light = 64 + texture, 191 + texture
    luminance = 2 * 64 * 191 / (64**2 + 191**2)
    coarsest = {5: 0.1333, 3: 0.3001 / sum(WEIGHTS[:3])}
    for scales, weight in coarsest.items():
        found = of_two(dark, light, scales=scales)
        assert found == pytest.approx(luminance**weight, abs=0.003)
        assert found == pytest.approx(similarity(dark, light, scales=scales), abs=1e-6)
    assert of_two(dark, light, scales=3) == pytest.approx(0.784, abs=0.003)


def test_dark_images_and_their_negatives_are_not_the_same():
    dark = levels(0.25 * images(20) - 0.75)
    shown, turned = (measure(x, x, scales=3)["ms_ssim"] for x in (dark, 255 - dark))
    assert turned > shown + 0.01


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
    assert values["ms_ssim_real"] < 0.8
    assert measure(images(20), images(20, seed=1, spread=0.2))["ms_ssim"] > values["ms_ssim_real"]


def test_neither_batches_nor_the_type_matter_and_the_seed_does():
    real, generated = images(10, channels=3), images(10, seed=1, channels=3)
    expected = measure(real, generated)
    assert measure(real, generated, batch_size=40) == pytest.approx(expected, abs=1e-6)
    assert measure(levels(real), levels(generated)) == expected
    assert measure(real, generated, seed=1) != expected


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "at least 16 pixels a side.*set metrics.ms_ssim.scales=4$"),
        ({"scales": 6}, "at most 5"),
        ({"deviation": 0}, "deviation"),
        ({"pairs": 0}, "pairs"),
    ],
)
def test_settings_and_images_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        measure(images(3, size=15), images(3, size=15), **settings)


def test_too_few_images_are_refused():
    with pytest.raises(InputError, match="at least 2 generated images, got 1"):
        measure(images(3), images(1))
