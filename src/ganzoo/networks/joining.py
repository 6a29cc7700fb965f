"""Samples and vectors that belong to them as one tensor."""

import torch
from torch import Tensor


def with_vectors(data: Tensor, vectors: Tensor) -> Tensor:
    """Put each sample and its vector together.

    Args:
        data: points [B, D], latents [B, Z] or images [B, C, H, W].
        vectors: [B, W], of any type; they take the data's.

    Returns:
        [B, D + W], or images [B, C + W, H, W] with a constant map for each number of the vector.
    """
    maps = vectors.to(data.dtype).view(*vectors.shape, *[1] * (data.dim() - 2))
    return torch.cat([data, maps.expand(-1, -1, *data.shape[2:])], dim=1)
