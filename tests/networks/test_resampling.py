"""Filters and convolutions that change the size of maps, against scipy and plain sums."""

import pytest
import torch
from scipy.signal import convolve2d, upfirdn
from torch.nn import functional

from ganzoo.networks.resampling import (
    downsample,
    downsampling_convolution,
    low_pass,
    resample,
    upsample,
    upsampling_convolution,
)

KERNEL = low_pass([1, 3, 3, 1]).double()


def images(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def with_zeros(maps):
    """Each entry followed by a zero in both directions."""
    spread = maps.new_zeros(*maps.shape[:2], 2 * maps.shape[2], 2 * maps.shape[3])
    spread[:, :, ::2, ::2] = maps
    return spread


def test_the_filter_is_the_product_of_its_taps():
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    assert torch.equal(low_pass([1, 3, 3, 1]), taps[:, None] * taps[None])
    assert low_pass([1, 2, 5]).sum() == pytest.approx(1)


@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_against_scipy_along_each_axis(up, down):
    """With as much padding as its full convolution has; taps that are no mirror image."""
    taps = torch.tensor([1.0, 4.0, 2.0], dtype=torch.float64)
    x = images(1, 1, 5, 7)
    found = resample(x, taps.outer(taps), up=up, down=down, padding=[2, 2 - up + 1] * 2, gain=0.5)
    by_rows = upfirdn(taps.numpy(), x[0, 0].numpy(), up, down, axis=0)
    wanted = 0.5 * upfirdn(taps.numpy(), by_rows, up, down, axis=1)
    torch.testing.assert_close(found[0, 0], torch.from_numpy(wanted))


def test_padding_is_left_right_above_below_and_negative_padding_crops():
    kernel = torch.ones(1, 1, dtype=torch.float64)
    x = images(2, 3, 4, 5)
    found = resample(x, kernel, padding=[1, 0, -1, 2])
    assert torch.equal(found[:, :, :3, 1:], x[:, :, 1:])
    assert found.shape == (2, 3, 5, 6)
    assert found[:, :, :, 0].eq(0).all() and found[:, :, 3:].eq(0).all()


def test_channels_do_not_mix():
    x = images(2, 3, 6, 6)
    together = upsample(x, KERNEL)
    apart = [upsample(x[:, index : index + 1], KERNEL) for index in range(3)]
    torch.testing.assert_close(together, torch.cat(apart, dim=1))


@pytest.mark.parametrize("taps", [[1, 1], [1, 3, 3, 1], [1, 5, 10, 10, 5, 1]])
def test_constants_and_places_stay(taps):
    """Twice the size shows the same picture: the middle of a blob is the middle of the larger."""
    kernel = low_pass(taps).double()
    ones = torch.ones(1, 1, 16, 16, dtype=torch.float64)
    for changed in (upsample(ones, kernel), downsample(ones, kernel)):
        inside = changed[..., 3:-3, 3:-3]
        torch.testing.assert_close(inside, torch.ones_like(inside))
    blob = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    blob[..., 3:5, 3:5] = 1
    for changed in (upsample(blob, kernel), downsample(blob, kernel)):
        torch.testing.assert_close(changed, changed.flip(2))
        torch.testing.assert_close(changed, changed.flip(3))


def test_both_sides_change_by_two():
    assert upsample(images(2, 3, 6, 10), KERNEL).shape == (2, 3, 12, 20)
    assert downsample(images(2, 3, 6, 10), KERNEL).shape == (2, 3, 3, 5)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_convolution_that_doubles_is_one_of_maps_with_zeros_then_the_filter(size):
    x, weight = images(1, 2, 5, 4), images(3, 2, size, size)
    found = upsampling_convolution(x, weight, KERNEL)
    assert found.shape == (1, 3, 10, 8)
    for output in range(3):
        spread = with_zeros(x)[0]
        full = sum(convolve2d(spread[i].numpy(), weight[output, i].numpy()) for i in range(2))
        wanted = 4 * convolve2d(full, KERNEL.numpy())
        left = 2 + size // 2 - 1  # of the full convolution the size's own, as upsampling has it
        place = slice(left, left + 10), slice(left, left + 8)
        torch.testing.assert_close(found[0, output], torch.from_numpy(wanted)[place])


@pytest.mark.parametrize("size", [1, 3])
def test_a_convolution_that_halves_is_the_filter_then_every_second_entry(size):
    x, weight = images(2, 2, 6, 8), images(3, 2, size, size)
    wide = resample(x, KERNEL, padding=[1 + size // 2] * 4)
    wanted = functional.conv2d(wide, weight)[:, :, ::2, ::2]
    found = downsampling_convolution(x, weight, KERNEL)
    assert found.shape == (2, 3, 3, 4)
    torch.testing.assert_close(found, wanted)


def test_gradients_of_gradients():
    x, weight = images(1, 1, 3, 2).requires_grad_(), images(1, 1, 3, 3).requires_grad_()

    def run(features, weight):
        return upsample(upsampling_convolution(features, weight, KERNEL), KERNEL)

    assert torch.autograd.gradgradcheck(run, (x, weight))
