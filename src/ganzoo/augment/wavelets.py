"""Filters of orthogonal wavelets."""

import torch
from torch import Tensor
from torch.nn import functional

# Low-pass filters of symlets (Daubechies, "Ten Lectures on Wavelets", table 6.3).
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
SYM6 = (
    *(0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633),
    *(0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263753278646252),
    *(-0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148),
)


def low_pass_taps() -> Tensor:
    """The taps ``[12]`` of sym6, which sum to 1."""
    taps = torch.tensor(SYM6, dtype=torch.float64)
    return (taps / taps.sum()).float()


def band_filters(count: int) -> Tensor:
    """Filters ``[count, T]`` of bands an octave wide, the lowest first, that sum to the identity.

    Each symmetric: the autocorrelations of sym2's low- and high-pass filters sum to an impulse, and
    the low band is divided in two again, at half the rate.

    Args:
        count: Number of bands, at least 1.
    """
    low = torch.tensor(SYM2, dtype=torch.float64)
    high = low * torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    low, high = (_convolved(one[None], one.flip(0)) / 2 for one in (low, high))
    bank = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(count - 1):
        spread = torch.zeros(len(bank), 2 * bank.shape[1] - 1, dtype=torch.float64)
        spread[:, ::2] = bank
        halved = _convolved(spread, low[0])
        side = (halved.shape[1] - high.shape[1]) // 2
        bank = torch.cat([halved, functional.pad(high, (side, side))])
    return bank.float()


def _convolved(rows: Tensor, taps: Tensor) -> Tensor:
    """The full convolution of each row ``[N, T]`` with taps ``[S]``: ``[N, T + S - 1]``."""
    side = len(taps) - 1
    return functional.conv1d(rows[:, None], taps.flip(0)[None, None], padding=side)[:, 0]
