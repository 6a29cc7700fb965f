import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from ganzoo.augment import ByShape, Chain, GaussianNoise, HorizontalFlip, Shift
from ganzoo.errors import InputError


def coordinates(count, height, width):
    """Images whose two channels hold each pixel's row and column."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns]).float().expand(count, 2, height, width)


def test_flips_mirror_half_of_the_images_left_to_right():
    torch.manual_seed(0)
    images = torch.randn(400, 3, 4, 6)
    flipped = HorizontalFlip()(images)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    kept = (flipped == images).flatten(1).all(1)
    assert (mirrored ^ kept).all()
    assert 160 < mirrored.sum() < 240


def found_step(lines, bound):
    """By how much the numbers 0, 1, ... of a line are shifted, its ends repeated."""
    size = len(lines)
    steps = range(-bound, bound + 1)
    shifted = [np.clip(np.arange(size) + step, 0, size - 1) for step in steps]
    return next(s for s, line in zip(steps, shifted, strict=True) if np.array_equal(lines, line))


@settings(max_examples=25, deadline=None)
@given(
    largest=st.floats(0.05, 0.9),
    sizes=st.tuples(st.integers(2, 12), st.integers(2, 12)),
    seed=st.integers(0, 1000),
)
def test_a_shift_moves_a_whole_image_and_repeats_its_edge(largest, sizes, seed):
    torch.manual_seed(seed)
    moved = Shift(largest=largest)(coordinates(20, *sizes)).numpy()
    bounds = [max(1, int(largest * size)) for size in sizes]
    for rows, columns in moved:
        down, right = found_step(rows[:, 0], bounds[0]), found_step(columns[0], bounds[1])
        places = np.indices(sizes) + np.array([down, right])[:, None, None]
        expected = [np.clip(p, 0, s - 1) for p, s in zip(places, sizes, strict=True)]
        assert np.array_equal([rows, columns], expected)


def test_all_shifts_up_to_the_largest_are_equally_likely():
    torch.manual_seed(0)
    moved = Shift(largest=0.125)(coordinates(5000, 32, 32))
    steps = (moved[:, 0, 16, 16] - 16).long()
    counts = torch.bincount(steps + 4, minlength=9)
    assert len(counts) == 9  # -4 to 4 pixels of 32
    assert chisquare(counts.numpy()).pvalue > 0.01
    across = (moved[:, 1, 16, 16] - 16).numpy()
    assert abs(np.corrcoef(steps.numpy(), across)[0, 1]) < 0.05


def test_noise_is_gaussian_of_the_stated_deviation():
    torch.manual_seed(0)
    data = torch.randn(2000, 2)
    noise = (GaussianNoise(deviation=0.05)(data) - data) / 0.05
    assert kstest(noise.flatten().numpy(), "norm").pvalue > 0.01


@pytest.mark.parametrize("augmentation", [HorizontalFlip(), Shift(largest=0.25)])
def test_gradients_flow_through(augmentation):
    """What a pixel becomes depends on it with weight one, so gradients by pixels add up."""
    images = torch.randn(5, 1, 4, 4, requires_grad=True)
    augmentation(images).sum().backward()
    assert images.grad.sum(dim=(1, 2, 3)).tolist() == [16] * 5


def test_a_chain_applies_its_steps_in_order():
    double, add = (lambda data: 2 * data), (lambda data: data + 1)
    assert Chain(steps=[double, add])(torch.ones(1)) == 3
    assert Chain(steps=[add, double])(torch.ones(1)) == 4
    assert Chain(steps=[])(torch.ones(1)) == 1


def test_the_shape_decides():
    augmentation = ByShape(images=lambda data: data + 1, points=lambda data: data - 1)
    assert (augmentation(torch.zeros(2, 3, 4, 4)) == 1).all()
    assert (augmentation(torch.zeros(2, 3)) == -1).all()


@pytest.mark.parametrize("largest", [0.0, -0.1, 1.0, float("nan")])
def test_a_shift_is_a_share_of_the_image(largest):
    with pytest.raises(InputError, match="largest"):
        Shift(largest=largest)
