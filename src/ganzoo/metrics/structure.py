"""Multi-scale structural similarity of pairs of images (Wang, Simoncelli and Bovik 2003)."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.errors import InputError

# The weights of the scales from fine to coarse (section 3.2). They sum to 1.0001.
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# What keeps quotients stable, in squared levels (Wang et al. 2004: 0.01 and 0.03 of the range).
_LUMINANCE, _CONTRAST = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def smallest_side(scales: int) -> int:
    """The pixels a side that images need, so that one is left at the coarsest scale.

    Raises:
        InputError: if there are no weights for so many scales.
    """
    if scales > len(_WEIGHTS):
        raise InputError(f"scales must be at most {len(_WEIGHTS)}, not {scales}")
    return 1 << (scales - 1)


def window_width(deviation: float) -> int:
    """The pixels of a Gaussian window of this deviation: 11 for 1.5."""
    return 2 * int(3.5 * deviation + 0.5) + 1


def multi_scale_similarity(
    first: Tensor, second: Tensor, *, deviation: float, scales: int
) -> Tensor:
    """Compare images in pairs; see :class:`~ganzoo.metrics.similarity.MultiScaleSimilarity`.

    Args:
        first: ``[B, C, H, W]``, levels from 0 to 255, of any type.
        second: Of the same shape.
        deviation: Of the Gaussian window, in pixels.
        scales: Number of scales, from 1 to 5.

    Returns:
        float64 ``[B]``, from 0 to 1.
    """
    first, second = first.double(), second.double()
    weights = torch.tensor(_WEIGHTS[:scales], dtype=torch.float64)
    weights *= sum(_WEIGHTS) / weights.sum()
    value = first.new_ones(len(first))
    for scale, weight in enumerate(weights.tolist()):
        luminance, structure = _luminance_and_structure(first, second, deviation)
        last = scale == scales - 1
        mean = (luminance * structure if last else structure).mean(dim=(1, 2, 3))
        value = value * mean.clamp(min=0) ** weight
        if not last:
            first, second = functional.avg_pool2d(first, 2), functional.avg_pool2d(second, 2)
    return value


def _luminance_and_structure(
    first: Tensor, second: Tensor, deviation: float
) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast with structure, of all windows within two images."""
    windows = _window_matrices(first, deviation)
    a, b = _window_means(first, windows), _window_means(second, windows)
    variances = _window_means(first.square() + second.square(), windows) - a.square() - b.square()
    covariance = _window_means(first * second, windows) - a * b
    luminance = (2 * a * b + _LUMINANCE) / (a.square() + b.square() + _LUMINANCE)
    return luminance, (2 * covariance + _CONTRAST) / (variances + _CONTRAST)


def _window_matrices(images: Tensor, deviation: float) -> list[Tensor]:
    """All Gaussian windows within a column and within a row of the images, as matrices.

    Products of matrices take a quarter of a convolution's time on a CPU.
    """
    whole = window_width(deviation)
    width = min(whole, *images.shape[2:])
    places = torch.arange(width, dtype=images.dtype) - (width - 1) / 2
    values = (-0.5 * (places * whole / (width * deviation)).square()).exp()
    bands = []
    for side in images.shape[2:]:
        band = torch.zeros(side - width + 1, side, dtype=images.dtype)
        for start, row in enumerate(band):
            row[start : start + width] = values / values.sum()
        bands.append(band.to(images.device))
    return bands


def _window_means(images: Tensor, windows: list[Tensor]) -> Tensor:
    """Weighted means in all windows within images ``[B, C, H, W]``."""
    columns, rows = windows
    return columns @ images @ rows.T
