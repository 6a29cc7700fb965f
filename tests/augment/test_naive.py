"""Transforms against what they do to each pixel, written as loops."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from ganzoo.augment import (
    ColorJitter,
    Cutout,
    ImageFilter,
    RandomCutout,
    RandomGeometry,
    RandomNoise,
    Translation,
)
from ganzoo.augment.draws import Draws
from ganzoo.augment.wavelets import SYM6, band_filters
from tests.augment.test_random_color import NAMES as COLOR
from tests.augment.test_random_color import color

COUNT = 6
TAPS = np.array(SYM6) / sum(SYM6)
close = pytest.mark.parametrize("shape", [(3, 5, 4), (3, 6, 6)])


def pictures(*shape):
    torch.manual_seed(0)
    return torch.randn(COUNT, *shape, dtype=torch.float64)


def after(seed, function, *arguments):
    torch.manual_seed(seed)
    return function(*arguments)


def pixels(image):
    return product(range(image.shape[-2]), range(image.shape[-1]))


def reflected(image, row, column):
    """The pixel at any place: mirrored up to one image away, 0 beyond that."""
    for place, size in ((row, image.shape[0]), (column, image.shape[1])):
        if not -(size - 1) <= place <= 2 * (size - 1):
            return 0.0
    rows, columns = (size - 1 for size in image.shape)
    return image[rows - abs(rows - abs(row)), columns - abs(columns - abs(column))]


def finer(image, row, column):
    """Twice as many pixels, filtered, of which every second one is where one of the image is.

    None farther away than the pixels that are mirrored.
    """
    for place, size in ((row, image.shape[0]), (column, image.shape[1])):
        if not -2 * (size - 1) <= place < 2 * (2 * size - 1):
            return 0.0
    found = 0.0
    for i, j in product(range(row // 2 - 4, row // 2 + 5), range(column // 2 - 4, column // 2 + 5)):
        k, m = row - 2 * i + 5, column - 2 * j + 5
        if 0 <= k < 12 and 0 <= m < 12:
            found += 4 * TAPS[k] * TAPS[m] * reflected(image, i, j)
    return found


def bilinear(read, row, column):
    above, left = math.floor(row), math.floor(column)
    down, right = row - above, column - left
    return (
        (1 - down) * (1 - right) * read(above, left)
        + (1 - down) * right * read(above, left + 1)
        + down * (1 - right) * read(above + 1, left)
        + down * right * read(above + 1, left + 1)
    )


def moved(image, source):
    """An image whose pixels come from elsewhere, given by a map of places from the centre."""
    height, width = image.shape
    known = {}

    def read(row, column):
        if (row, column) not in known:
            known[row, column] = finer(image, row, column)
        return known[row, column]

    def between(row, column):
        """At a place of the finer result."""
        x, y, _ = source @ [(column - width + 1) / 2, (row - height + 1) / 2, 1]
        return bilinear(read, 2 * y + height - 1, 2 * x + width - 1)

    found = np.zeros_like(image)
    shifts = range(-5, 7)
    for row, column in pixels(image):
        for k, m in product(shifts, shifts):
            weight = TAPS[k + 5] * TAPS[m + 5]
            found[row, column] += weight * between(2 * row + k, 2 * column + m)
    return found


@pytest.mark.parametrize("shape", [(4, 3), (5, 5)])
def test_geometry(shape):
    images = pictures(1, *shape)[:4]
    part = RandomGeometry()
    sources = after(1, part.sources, Draws(4, 1.0), *shape)
    changed = after(1, part, images, 1.0)
    for image, source, found in zip(images, sources, changed, strict=True):
        expected = moved(image[0].numpy(), source.numpy())
        torch.testing.assert_close(found[0], torch.from_numpy(expected), atol=1e-6, rtol=0)


GREY = np.ones(3) / math.sqrt(3)
COLOURS = {
    "brightness": lambda pixel, drawn: pixel + 0.2 * drawn,
    "contrast": lambda pixel, drawn: pixel * 2 ** (0.5 * drawn),
    "luma_flip": lambda pixel, drawn: pixel - 2 * (pixel @ GREY) * GREY if drawn >= 0.5 else pixel,
    "hue": lambda pixel, drawn: rotated(pixel, (2 * drawn - 1) * math.pi),
    "saturation": lambda pixel, drawn: pixel.mean() + (pixel - pixel.mean()) * 2**drawn,
}


def rotated(pixel, angle):
    """Rodrigues' formula, around the axis of greys."""
    along = (pixel @ GREY) * GREY
    return (
        pixel * math.cos(angle)
        + np.cross(GREY, pixel) * math.sin(angle)
        + along * (1 - math.cos(angle))
    )


@pytest.mark.parametrize("name", COLOR)
def test_colours(name):
    images = pictures(3, 5, 4)
    torch.manual_seed(1)
    draws = Draws(COUNT, 1.0)
    drawn = (draws.uniform if name in ("luma_flip", "hue") else draws.normal)()
    changed = after(1, color(**{name: 1.0}), images, 1.0)
    for image, number, found in zip(images.numpy(), drawn.tolist(), changed, strict=True):
        for row, column in pixels(image):
            expected = COLOURS[name](image[:, row, column], number)
            np.testing.assert_allclose(found[:, row, column].numpy(), expected, atol=1e-9)


@pytest.mark.parametrize("shape", [(7, 9), (30, 26)])
def test_image_filter(shape):
    images, part = pictures(1, *shape)[:2], ImageFilter(multiplier=1.0)
    gains = after(1, part.gains, Draws(2, 1.0))
    changed = after(1, part, images, 1.0)
    filters = band_filters(4).double()
    side = filters.shape[1] // 2
    for image, of_bands, found in zip(images[:, 0].numpy(), gains, changed[:, 0], strict=True):
        taps = (of_bands @ filters).numpy()
        for row, column in [(0, 0), (3, 4), (shape[0] - 1, 2)]:
            expected = 0.0
            for k, m in product(range(-side, side + 1), range(-side, side + 1)):
                places = mirrored(row + k, shape[0]), mirrored(column + m, shape[1])
                expected += taps[k + side] * taps[m + side] * image[places]
            assert found[row, column].item() == pytest.approx(expected, abs=1e-9)


def mirrored(place, size):
    """The same pixel in the image itself, as often as it takes."""
    while not 0 <= place < size:
        place = -place if place < 0 else 2 * (size - 1) - place
    return place


@close
def test_noise(shape):
    images = pictures(*shape)
    torch.manual_seed(1)
    draws = Draws(COUNT, 0.7)
    sizes, chosen = draws.normal().abs() * 0.1, draws.uniform() < 0.7
    noise = torch.randn(COUNT, *shape, dtype=torch.float64)
    changed = after(1, RandomNoise(multiplier=1.0), images, 0.7)
    for number in range(COUNT):
        expected = images[number] + (sizes[number] * noise[number] if chosen[number] else 0)
        torch.testing.assert_close(changed[number], expected)


@close
def test_cutout_of_the_pipe(shape):
    images = pictures(*shape)
    torch.manual_seed(1)
    draws = Draws(COUNT, 0.7)
    chosen, centres = draws.uniform() < 0.7, draws.uniform(2).tolist()
    changed = after(1, RandomCutout(multiplier=1.0), images, 0.7)
    for number, (x, y) in enumerate(centres):
        for row, column in pixels(images):
            near = abs((column + 0.5) / shape[2] - x) < 0.25
            near &= abs((row + 0.5) / shape[1] - y) < 0.25
            expected = 0 * images[number] if near and chosen[number] else images[number]
            assert torch.equal(changed[number, :, row, column], expected[:, row, column])


@close
def test_color_jitter(shape):
    images = pictures(*shape)
    torch.manual_seed(1)
    drawn = torch.rand(3, COUNT, dtype=torch.float64)
    changed = after(1, ColorJitter(), images)
    for number, image in enumerate(images.numpy()):
        added, saturation, contrast = drawn[:, number].tolist()
        bright = image + added - 0.5
        saturated = np.empty_like(bright)
        for row, column in pixels(image):
            pixel = bright[:, row, column]
            saturated[:, row, column] = pixel.mean() + (pixel - pixel.mean()) * 2 * saturation
        expected = saturated.mean() + (saturated - saturated.mean()) * (contrast + 0.5)
        np.testing.assert_allclose(changed[number].numpy(), expected, atol=1e-9)


@close
def test_translation(shape):
    images = pictures(*shape)
    torch.manual_seed(1)
    bounds = [int(0.3 * size + 0.5) for size in shape[1:]]
    downs, rights = (torch.randint(-bound, bound + 1, (COUNT,)) for bound in bounds)
    changed = after(1, Translation(largest=0.3), images)
    for number, (down, right) in enumerate(zip(downs.tolist(), rights.tolist(), strict=True)):
        for row, column in pixels(images):
            inside = 0 <= row + down < shape[1] and 0 <= column + right < shape[2]
            expected = images[number, :, row + down, column + right] if inside else torch.zeros(3)
            torch.testing.assert_close(changed[number, :, row, column], expected.double())


@close
def test_cutout(shape):
    images = pictures(*shape)
    torch.manual_seed(1)
    sides = [int(0.5 * size + 0.5) for size in shape[1:]]
    centres = [
        torch.randint(size + 1 - side % 2, (COUNT,)).tolist()
        for size, side in zip(shape[1:], sides, strict=True)
    ]
    changed = after(1, Cutout(size=0.5), images)
    for number in range(COUNT):
        first = [centre[number] - side // 2 for centre, side in zip(centres, sides, strict=True)]
        for row, column in pixels(images):
            cut = first[0] <= row < first[0] + sides[0] and first[1] <= column < first[1] + sides[1]
            expected = images[number, :, row, column] * (not cut)
            assert torch.equal(changed[number, :, row, column], expected)
