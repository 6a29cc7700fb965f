"""Images of another size through a low-pass filter, by plain torch operations.

StyleGAN2 (Karras et al. 2020, arXiv 1912.04958) takes the taps [1, 3, 3, 1] along both axes
wherever the size of maps changes. Filters [h, w] sum to 1, and are applied as true convolutions.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional


def low_pass(taps: Sequence[float]) -> Tensor:
    """Return the outer product of taps with themselves, divided by its sum: [T, T]."""
    line = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(line, line)
    return kernel / kernel.sum()


def upsample(images: Tensor, kernel: Tensor) -> Tensor:
    """Map [B, C, H, W] to [B, C, 2 H, 2 W], constants to themselves but for the borders."""
    padding = _padding(kernel, lambda taps: ((taps + 1) // 2, taps // 2 - 1))
    return resample(images, kernel, up=2, padding=padding, gain=4)


def downsample(images: Tensor, kernel: Tensor) -> Tensor:
    """Map [B, C, H, W] of even sides to [B, C, H / 2, W / 2]."""
    padding = _padding(kernel, lambda taps: ((taps - 1) // 2, taps // 2 - 1))
    return resample(images, kernel, down=2, padding=padding)


def upsampling_convolution(features: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """Map [B, I, H, W] to [B, O, 2 H, 2 W] by a transposed convolution, then the filter.

    Args:
        features: as above.
        weight: [O, I, K, K] with K odd, applied as a true convolution of the maps with zeros
            between their entries, which ``conv2d`` would need flipped.
        kernel: of the filter.
    """
    half = weight.shape[-1] // 2
    convolved = functional.conv_transpose2d(features, weight.transpose(0, 1), stride=2)
    padding = _padding(kernel, lambda taps: ((taps + 1) // 2 - half, taps // 2 - half))
    return resample(convolved, kernel, padding=padding, gain=4)


def downsampling_convolution(features: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """Map [B, I, H, W] of even sides to [B, O, H / 2, W / 2] by the filter, then a convolution.

    Args:
        features: as above.
        weight: [O, I, K, K] with K odd, as ``conv2d`` takes it.
        kernel: of the filter.
    """
    half = weight.shape[-1] // 2
    padding = _padding(kernel, lambda taps: (half + (taps - 1) // 2, half + taps // 2 - 1))
    return functional.conv2d(resample(features, kernel, padding=padding), weight, stride=2)


def resample(
    images: Tensor,
    kernel: Tensor,
    *,
    up: int = 1,
    down: int = 1,
    padding: Sequence[int] = (0, 0, 0, 0),
    gain: float = 1.0,
) -> Tensor:
    """Put zeros after each pixel, pad, filter each channel by itself, and leave pixels out.

    Args:
        images: [B, C, H, W].
        kernel: [h, w].
        up: one pixel becomes so many by so many, all but the first of them zeros.
        down: the first of so many by so many pixels stays.
        padding: zeros left, right, above and below; negative numbers crop.
        gain: factor of the result.

    Returns:
        [B, C, H', W'] with H' = (up H + above + below - h) // down + 1, W' alike.
    """
    if up > 1:
        zeros = up - 1
        spread = functional.pad(images[:, :, :, None, :, None], (0, zeros, 0, 0, 0, zeros))
        images = spread.flatten(4, 5).flatten(2, 3)
    channels = images.shape[1]
    weight = (gain * kernel).to(images.dtype).flip(0, 1).expand(channels, 1, -1, -1)
    return functional.conv2d(
        functional.pad(images, list(padding)), weight, stride=down, groups=channels
    )


def _padding(kernel: Tensor, sides: Callable[[int], tuple[int, int]]) -> list[int]:
    """Padding before and after, of the width and then of the height, from the number of taps."""
    height, width = kernel.shape
    return [*sides(width), *sides(height)]
