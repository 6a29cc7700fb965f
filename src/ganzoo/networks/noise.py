"""Noise inside generators as an argument, so that samples can be made again."""

from typing import Protocol

import torch
from torch import Tensor


class Noise(Protocol):
    """What draws the noise of a layer."""

    def __call__(self, features: Tensor) -> Tensor:
        """Standard normal noise ``[B, 1, H, W]`` for a layer's features ``[B, C, H, W]``."""


def fresh_noise(features: Tensor) -> Tensor:
    """Noise from torch's global random state, as in training."""
    batch, _, height, width = features.shape
    return torch.randn(batch, 1, height, width, device=features.device, dtype=features.dtype)


class SeededNoise:
    """Noise of which each sample has its own, whatever samples are made beside it.

    Args:
        seeds: One for each sample, whole numbers ``[B]``.
    """

    def __init__(self, seeds: Tensor) -> None:
        self._sources = [torch.Generator().manual_seed(seed) for seed in seeds.tolist()]

    def __call__(self, features: Tensor) -> Tensor:
        """Draw the noise of one more layer, on the CPU."""
        height, width = features.shape[2:]
        drawn = [torch.randn(1, height, width, generator=source) for source in self._sources]
        return torch.stack(drawn).to(features)
