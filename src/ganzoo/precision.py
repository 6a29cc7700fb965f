"""What losses, penalties and layers compute in more than half precision."""

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Return the same numbers in float32; float64 stays as it is."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
