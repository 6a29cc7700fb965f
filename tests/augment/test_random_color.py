"""What the colour transforms of a pipe mean, for any number of channels."""

import math

import pytest
import torch
from scipy.stats import kstest

from ganzoo.augment import RandomColor
from ganzoo.augment.draws import Draws
from ganzoo.errors import InputError

NAMES = ("brightness", "contrast", "luma_flip", "hue", "saturation")
any_channels = pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])


def color(**multipliers):
    return RandomColor(**(dict.fromkeys(NAMES, 0.0) | multipliers))


def colors(channels, count=3000, probability=1.0, **multipliers):
    torch.manual_seed(0)
    return color(**multipliers).map(Draws(count, probability), channels)


def identity(matrix):
    return torch.eye(matrix.shape[-1], dtype=matrix.dtype).expand_as(matrix)


@any_channels
def test_brightness_is_added(channels):
    matrix, offset = colors(channels, brightness=1.0)
    torch.testing.assert_close(matrix, identity(matrix))
    assert kstest(offset.numpy() / 0.2, "norm").pvalue > 0.01


@any_channels
def test_contrast_multiplies(channels):
    matrix, offset = colors(channels, contrast=1.0)
    factors = matrix[:, 0, 0]
    torch.testing.assert_close(matrix, factors[:, None, None] * identity(matrix))
    assert kstest(factors.log2().numpy() / 0.5, "norm").pvalue > 0.01
    assert (offset == 0).all()


@any_channels
def test_luma_is_negated_half_of_the_times(channels):
    matrix, _ = colors(channels, luma_flip=1.0)
    colours = torch.randn(len(matrix), channels, 1, dtype=matrix.dtype)
    luma, changed = colours.mean(dim=1), matrix @ colours
    flipped = (changed.mean(dim=1) + luma).abs()[:, 0] < 1e-9
    assert flipped.double().mean().item() == pytest.approx(0.5, abs=0.04)
    chroma = colours - colours.mean(dim=1, keepdim=True)
    torch.testing.assert_close(changed - changed.mean(dim=1, keepdim=True), chroma)


@any_channels
def test_hues_turn_around_the_greys(channels):
    matrix, _ = colors(channels, hue=1.0)
    grey = torch.ones(channels, dtype=matrix.dtype)
    torch.testing.assert_close(matrix @ grey, grey.expand(len(matrix), -1))
    torch.testing.assert_close(matrix @ matrix.mT, identity(matrix))
    angles = torch.arccos(((torch.einsum("bii", matrix) - channels) / 2 + 1).clamp(-1, 1))
    if channels > 2:
        assert kstest(angles.numpy() / math.pi, "uniform").pvalue > 0.01
        assert torch.linalg.det(matrix).min() > 0.999
    else:
        torch.testing.assert_close(matrix, identity(matrix))


@any_channels
def test_saturation_multiplies_the_distance_from_grey(channels):
    matrix, _ = colors(channels, saturation=1.0)
    colours = torch.randn(len(matrix), channels, 1, dtype=matrix.dtype)
    changed = matrix @ colours
    torch.testing.assert_close(changed.mean(dim=1), colours.mean(dim=1))
    if channels > 1:
        before, after = (c - c.mean(dim=1, keepdim=True) for c in (colours, changed))
        factors = after.norm(dim=1) / before.norm(dim=1)
        torch.testing.assert_close(after, factors[:, None] * before)
        assert kstest(factors.flatten().log2().numpy(), "norm").pvalue > 0.01


def test_with_four_channels_no_plane_of_hues_is_preferred():
    """The mean of all turns is a multiple of the identity on what is no grey."""
    mean = colors(4, count=20_000, hue=1.0)[0].mean(dim=0)
    left = torch.eye(4, dtype=mean.dtype) - 0.25
    torch.testing.assert_close(mean, left / 3 + 0.25, atol=0.02, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_images_are_chosen_with_the_probability_times_the_multiplier(name):
    matrix, offset = colors(3, probability=0.6, **{name: 0.5})
    changed = (matrix - identity(matrix)).abs().amax(dim=(1, 2)) + offset.abs() > 1e-12
    expected = 0.15 if name == "luma_flip" else 0.3
    assert changed.double().mean().item() == pytest.approx(expected, abs=0.03)


def test_brightness_comes_before_contrast_and_luma():
    """What was added is multiplied and negated with the rest."""
    torch.manual_seed(0)
    images = torch.zeros(500, 3, 2, 2)
    changed = color(brightness=1.0, contrast=1.0, luma_flip=1.0)(images, 1.0)
    added, octaves, flips = torch.zeros(3, 500, dtype=torch.float64)
    torch.manual_seed(0)
    draws = Draws(500, 1.0)
    added = draws.pick(1.0, 0.0, draws.normal) * 0.2
    octaves = draws.pick(1.0, 0.0, draws.normal) * 0.5
    flips = draws.pick(1.0, 0.0, lambda: (2 * draws.uniform()).floor())
    expected = (added * octaves.exp2() * (1 - 2 * flips)).float()
    torch.testing.assert_close(changed, expected[:, None, None, None].expand_as(images))


@pytest.mark.parametrize("name", [*NAMES, "contrast_deviation", "largest_hue_turn"])
def test_negative_numbers(name):
    with pytest.raises(InputError, match=name):
        color(**{name: -1.0})
