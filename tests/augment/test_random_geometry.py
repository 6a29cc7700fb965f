"""What the geometric transforms of a pipe mean, and how images are moved."""

import math

import pytest
import torch
from scipy.stats import chisquare, kstest

from ganzoo.augment import RandomGeometry
from ganzoo.augment.draws import Draws
from ganzoo.augment.sampling import sampled
from ganzoo.augment.warping import warped
from ganzoo.augment.wavelets import low_pass_taps
from ganzoo.errors import InputError

NAMES = (
    *("x_flip", "rotate_90", "integer_translation", "scale", "rotate", "anisotropic_scale"),
    "fractional_translation",
)
HEIGHT, WIDTH = 24, 40


def geometry(**multipliers):
    return RandomGeometry(**(dict.fromkeys(NAMES, 0.0) | multipliers))


def sources(count=4000, probability=1.0, **multipliers):
    torch.manual_seed(0)
    return geometry(**multipliers).sources(Draws(count, probability), HEIGHT, WIDTH)


def share(where):
    return where.double().mean().item()


def test_flips_mirror_half_of_the_images():
    found = sources(x_flip=1.0)
    assert share(found[:, 0, 0] == -1) == pytest.approx(0.5, abs=0.03)
    assert (found[:, 1, 1] == 1).all() and (found[:, :2, 2] == 0).all()


def test_quarter_turns_are_equally_likely():
    found = sources(rotate_90=1.0)
    quarters = torch.atan2(found[:, 1, 0], found[:, 0, 0]) / (math.pi / 2)
    counts = torch.bincount(quarters.round().long() % 4, minlength=4)
    assert chisquare(counts.numpy()).pvalue > 0.01
    torch.testing.assert_close(quarters, quarters.round())


def test_shifts_by_whole_pixels_go_up_to_an_eighth():
    shifts = sources(integer_translation=1.0)[:, :2, 2]
    assert torch.equal(shifts, shifts.round())
    assert shifts.abs().amax(dim=0).tolist() == [5, 3]
    inner = torch.bincount((shifts[:, 0] + 5).long())[1:-1]  # at the ends there is half a pixel
    assert chisquare(inner.numpy()).pvalue > 0.01


def test_sizes_are_log_normal():
    found = sources(scale=1.0)
    assert torch.equal(found[:, 0, 0], found[:, 1, 1])
    assert kstest(found[:, 0, 0].log2().numpy() / 0.2, "norm").pvalue > 0.01


def test_stretching_keeps_the_area():
    found = sources(anisotropic_scale=1.0)
    torch.testing.assert_close(found[:, 0, 0] * found[:, 1, 1], torch.ones_like(found[:, 0, 0]))
    assert kstest(found[:, 0, 0].log2().numpy() / 0.2, "norm").pvalue > 0.01


def test_turns_are_by_any_angle():
    found = sources(rotate=1.0)
    angles = torch.atan2(found[:, 1, 0], found[:, 0, 0])
    assert kstest((angles.numpy() / math.pi + 1) / 2, "uniform").pvalue > 0.01
    torch.testing.assert_close(torch.det(found), torch.ones_like(angles))


def test_shifts_by_fractions_are_normal():
    shifts = sources(fractional_translation=1.0)[:, :2, 2]
    for found, size in zip(shifts.unbind(dim=1), (WIDTH, HEIGHT), strict=True):
        assert kstest(found.numpy() / (0.125 * size), "norm").pvalue > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_images_are_chosen_with_the_probability_times_the_multiplier(name):
    """Half of the flips, a quarter of the quarter turns and few of the shifts do nothing."""
    found = sources(**{name: 0.5}, probability=0.6)
    still = {"x_flip": 0.5, "rotate_90": 0.25, "integer_translation": 1 / (2 * 5) / (2 * 3)}
    changed = (found - torch.eye(3)).abs().amax(dim=(1, 2)) > 1e-12
    assert share(changed) == pytest.approx(0.3 * (1 - still.get(name, 0)), abs=0.03)


def test_the_first_transform_is_applied_first():
    """A shift to the right of what has been mirrored; mirrored after that it would go left."""
    torch.manual_seed(0)
    found = sources(x_flip=1.0, integer_translation=1.0)
    torch.manual_seed(0)
    draws = Draws(4000, 1.0)
    whole = geometry(x_flip=1.0, integer_translation=1.0)
    flips, shifts = whole._mirrored(draws, 0, 0), whole._shifted_by_pixels(draws, HEIGHT, WIDTH)
    places = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    moved = torch.linalg.inv(shifts) @ (torch.linalg.inv(flips) @ places)[:, :, None]
    back = found @ moved
    torch.testing.assert_close(back[:, :, 0], places.expand(4000, 3))


def waves(places):
    """A smooth picture ``[B, 1, H, W]`` of places ``[B, 2, H, W]`` in pixels from the centre."""
    x, y = places.unbind(dim=1)
    return (torch.sin(0.35 * x + 0.2 * y) + torch.cos(0.15 * x - 0.3 * y)).unsqueeze(1)


def pixels(height=HEIGHT, width=WIDTH):
    rows, columns = (torch.arange(size).double() - (size - 1) / 2 for size in (height, width))
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])


def test_pixels_are_what_the_picture_is_where_they_come_from():
    """Of each pixel that comes from inside, but for 3 % that filters and sampling change."""
    found = sources(60, **dict.fromkeys(NAMES, 1.0))
    places = torch.einsum("bij,jhw->bihw", found[:, :2, :2], pixels()) + found[:, :2, 2, None, None]
    images = waves(pixels()[None]).expand(60, -1, -1, -1)
    moved = warped(images, found, low_pass_taps())
    inside = (places[:, 0].abs() < WIDTH / 2 - 4) & (places[:, 1].abs() < HEIGHT / 2 - 4)
    far = (moved - waves(places))[:, 0][inside].abs()
    assert inside.double().mean() > 0.3 and far.max() < 0.1 and far.square().mean().sqrt() < 0.03


def test_what_is_beyond_the_borders_is_reflected():
    """A shift of the smooth picture by 5 and by 3 pixels."""
    shift = torch.eye(3, dtype=torch.float64)
    shift[:2, 2] = torch.tensor([5.0, -3.0])
    images = waves(pixels()[None])
    moved = warped(images, shift[None], low_pass_taps())
    rows = (torch.arange(HEIGHT) - 3).abs()
    columns = torch.arange(WIDTH) + 5
    columns = torch.minimum(columns, 2 * (WIDTH - 1) - columns)
    expected = images[:, :, rows][..., columns]
    assert (moved - expected).abs().max() < 0.15
    assert (moved - expected).square().mean().sqrt() < 0.02


def test_sampling_can_be_differentiated_again_and_again():
    torch.manual_seed(0)
    images = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(2, 3, 4, 2, dtype=torch.float64) * 2.4 - 1.2
    assert torch.autograd.gradcheck(lambda x: sampled(x, grid), images)
    assert torch.autograd.gradgradcheck(lambda x: sampled(x, grid).pow(3), images)
    once = torch.nn.functional.grid_sample(images, grid, align_corners=False)
    torch.testing.assert_close(sampled(images, grid), once)


def test_without_transforms_images_are_what_they_were():
    images = torch.randn(2, 3, 8, 8)
    assert geometry()(images, 1.0) is images


@pytest.mark.parametrize("name", [*NAMES, "largest_shift", "scale_deviation", "largest_turn"])
def test_negative_numbers(name):
    with pytest.raises(InputError, match=name):
        geometry(**{name: -1.0})
