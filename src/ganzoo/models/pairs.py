"""Data and codes as one tensor."""

import torch
from torch import Tensor


def paired(data: Tensor, codes: Tensor) -> Tensor:
    """Put each sample and its code together.

    Args:
        data: Points ``[B, D]`` or images ``[B, C, H, W]``.
        codes: ``[B, Z]``.

    Returns:
        ``[B, D + Z]``, or images ``[B, C + Z, H, W]`` with a constant map for each number of the
        code.
    """
    maps = codes.to(data.dtype).view(*codes.shape, *[1] * (data.dim() - 2))
    return torch.cat([data, maps.expand(-1, -1, *data.shape[2:])], dim=1)
