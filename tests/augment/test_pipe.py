"""The whole pipe of ADA, and its parts that act on pixels."""

import math

import pytest
import torch
from scipy.stats import kstest

from ganzoo.annealing import CosineAnnealing
from ganzoo.augment import (
    AdaptiveProbability,
    AugmentationPipe,
    ImageFilter,
    RandomCutout,
    RandomNoise,
)
from ganzoo.augment.borders import reflected
from ganzoo.augment.draws import Draws
from ganzoo.augment.wavelets import SYM2, SYM6, band_filters
from ganzoo.errors import InputError
from ganzoo.progress import Progress


def everything(probability=1.0):
    return AugmentationPipe(
        probability=probability,
        image_filter=ImageFilter(multiplier=1.0),
        noise=RandomNoise(multiplier=1.0),
        cutout=RandomCutout(multiplier=1.0),
    )


@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 5, 9), (3, 16, 12), (4, 7, 7), (3, 1, 6)])
def test_images_of_any_size_and_number_of_channels(shape):
    torch.manual_seed(0)
    images = torch.rand(4, *shape) * 2 - 1
    changed = everything()(images)
    assert changed.shape == images.shape and changed.isfinite().all()
    assert (changed != images).flatten(1).any(dim=1).all()


def test_with_probability_0_images_stay_as_they_are():
    images = torch.rand(4, 3, 8, 8)
    assert everything(0.0)(images) is images
    parts = everything(0.0)
    for part in (parts.geometry, parts.color, parts.image_filter, parts.noise, parts.cutout):
        torch.testing.assert_close(part(images, 0.0), images, atol=1e-5, rtol=0)


def test_each_image_is_changed_by_itself():
    """What one becomes does not depend on the others, whatever borders they ask for."""
    torch.manual_seed(0)
    images = torch.rand(6, 3, 16, 16)
    torch.manual_seed(1)
    first = everything()(images)
    torch.manual_seed(1)
    other = everything()(torch.cat([images[:3], 10 * images[3:]]))
    torch.testing.assert_close(first[:3], other[:3])


def test_the_same_random_state_gives_the_same_images():
    images = torch.rand(4, 3, 8, 8)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(everything(0.7)(images))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_left_inside(dtype):
    """Images come out rounded once, under autocast too."""
    images = (torch.rand(4, 3, 16, 16) * 2 - 1).to(dtype)
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = everything()(images)
    torch.manual_seed(0)
    expected = everything()(images.float())
    assert found.dtype == dtype
    assert torch.equal(found, expected.to(dtype))


def test_it_can_be_differentiated_twice():
    torch.manual_seed(0)
    images = torch.rand(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    pipe = everything()

    def changed(data):
        torch.manual_seed(3)
        return pipe(data)

    assert torch.autograd.gradcheck(changed, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: changed(x).square(), images, fast_mode=True)


def test_it_follows_a_curve_and_is_0_before_it():
    pipe = everything(CosineAnnealing(first=0.0, last=1.0, end=100, unit="images"))
    images = torch.rand(4, 3, 8, 8)
    assert pipe(images) is images
    pipe.probability.begin_iteration(Progress(images=100))
    assert (pipe(images) != images).flatten(1).any(dim=1).all()


def test_the_defaults_are_the_authors_choice():
    pipe = AugmentationPipe()
    assert isinstance(pipe.probability, AdaptiveProbability) and pipe.probability.now == 0
    assert {pipe.geometry.rotate, pipe.geometry.x_flip, pipe.color.hue, pipe.color.contrast} == {1}
    assert {pipe.image_filter.multiplier, pipe.noise.multiplier, pipe.cutout.multiplier} == {0}


def test_points_are_refused():
    with pytest.raises(InputError, match="AugmentationPipe changes images"):
        AugmentationPipe()(torch.zeros(4, 2))


def test_noise_is_gaussian_and_its_deviation_half_so():
    torch.manual_seed(0)
    noise = RandomNoise(multiplier=1.0)(torch.zeros(2000, 1, 16, 16), 1.0).flatten(1)
    deviations = noise.square().mean(dim=1).sqrt()
    assert kstest(deviations.numpy() / 0.1, "halfnorm").pvalue > 0.01
    assert kstest((noise / deviations[:, None])[:, 0].numpy(), "norm").pvalue > 0.01
    some = RandomNoise(multiplier=0.5)(torch.zeros(2000, 1, 2, 2), 0.6)
    assert (some != 0).any(1).float().mean().item() == pytest.approx(0.3, abs=0.03)


def test_a_quarter_is_cut_out_less_what_lies_outside():
    """A pixel is cut out where the centre is within a quarter of the size along both axes."""
    torch.manual_seed(0)
    images = torch.rand(8000, 2, 8, 16) + 1
    changed = RandomCutout(multiplier=1.0)(images, 1.0)
    cut = (changed == 0).all(dim=1)
    assert torch.equal(changed[~cut[:, None].expand_as(images)], images[changed != 0])
    along = [
        torch.tensor([min(c + 0.25, 1) - max(c - 0.25, 0) for c in ((torch.arange(s) + 0.5) / s)])
        for s in (8, 16)
    ]
    assert (cut.float().mean(dim=0) - torch.outer(*along)).abs().max() < 0.03
    some = RandomCutout(multiplier=0.5)(images, 0.4)
    assert (some == 0).flatten(1).any(1).float().mean().item() == pytest.approx(0.2, abs=0.03)


def test_bands_share_all_frequencies():
    filters = band_filters(4).double()
    impulse = torch.zeros(43, dtype=torch.float64)
    impulse[21] = 1
    torch.testing.assert_close(filters.sum(dim=0), impulse, atol=1e-6, rtol=0)
    torch.testing.assert_close(filters, filters.flip(1))
    response = torch.fft.rfft(torch.nn.functional.pad(filters, (0, 981))).abs()
    centres = response.argmax(dim=1) / 1024  # of what is sampled once a pixel
    assert [float(c) for c in centres] == sorted(centres.tolist())
    assert response[0, 0].item() == pytest.approx(1) and centres[0] == 0 and centres[3] == 0.5
    middles = (response * torch.arange(513)).sum(dim=1) / response.sum(dim=1)
    assert (middles[1:] > 1.5 * middles[:-1]).all(), "an octave each"


@pytest.mark.parametrize("taps", [SYM2, SYM6])
def test_wavelets_are_orthogonal_to_their_shifts(taps):
    found = torch.tensor(taps, dtype=torch.float64)
    assert found.sum().item() == pytest.approx(math.sqrt(2))
    for shift in range(0, len(taps), 2):
        product = (found[shift:] * found[: len(taps) - shift]).sum().item()
        assert product == pytest.approx(float(shift == 0), abs=1e-8)


def test_filtering_keeps_the_power_of_natural_images():
    torch.manual_seed(0)
    found = ImageFilter(multiplier=1.0).gains(Draws(3000, 1.0))
    powers = torch.tensor([10.0, 1.0, 1.0, 1.0], dtype=torch.float64) / 13
    only_last = ImageFilter(multiplier=1.0, bands=[0, 0, 0, 1]).gains(Draws(3000, 1.0))
    torch.testing.assert_close(only_last.square() @ powers, torch.ones(3000, dtype=torch.float64))
    ratios = (only_last[:, 3] / only_last[:, 0]).log2()
    assert kstest(ratios.numpy(), "norm").pvalue > 0.01
    ratios = (found[:, 3] / found[:, 0]).log2() / math.sqrt(2)
    assert kstest(ratios.numpy(), "norm").pvalue > 0.01


def test_a_band_is_amplified_in_images():
    """White noise through the filter: along each axis its spectrum is that of the gains."""
    torch.manual_seed(0)
    images = torch.randn(400, 1, 64, 8)
    torch.manual_seed(1)
    gains = ImageFilter(multiplier=1.0).gains(Draws(400, 1.0)).float()
    torch.manual_seed(1)
    changed = ImageFilter(multiplier=1.0)(images, 1.0)
    means = changed.mean(dim=(2, 3)) / images.mean(dim=(2, 3))
    assert (means / gains[:, :1] ** 2).median().item() == pytest.approx(1, abs=0.25)


def test_reflected_borders_are_those_of_torch_and_go_on():
    images = torch.rand(2, 3, 5, 4)
    expected = torch.nn.functional.pad(images, (3, 1, 2, 4), mode="reflect")
    assert torch.equal(reflected(images, (3, 1, 2, 4)), expected)
    far = reflected(images, (12, 12, 0, 0))  # periods of 6 pixels
    assert torch.equal(far[..., :22], far[..., 6:]) and torch.equal(far[..., 12:16], images)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: AugmentationPipe(probability=2.0), "probability"),
        (lambda: RandomNoise(multiplier=-1.0), "multiplier"),
        (lambda: RandomCutout(size=2.0), "size"),
        (lambda: ImageFilter(bands=[1.0]), "powers"),
        (lambda: ImageFilter(powers=[1.0, 1.0, 0.0, 1.0]), "powers"),
        (lambda: ImageFilter(deviation=-1.0), "deviation"),
    ],
)
def test_numbers_out_of_range(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
