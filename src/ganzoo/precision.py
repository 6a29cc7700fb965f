"""What losses, penalties and layers compute in more than half precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Return the same numbers in float32; float64 stays as it is."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute with gradients and without autocast."""
    with torch.enable_grad(), torch.autocast(device_type=device.type, enabled=False):
        yield
