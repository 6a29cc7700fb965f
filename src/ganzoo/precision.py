"""What losses, penalties and layers compute in more than half precision."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from typing_extensions import Self


def at_least_float32(values: Tensor) -> Tensor:
    """Return the same numbers in float32; float64 stays as it is."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


@contextmanager
def gradients_without_autocast(device: torch.device) -> Iterator[None]:
    """Compute with gradients and without autocast."""
    with torch.enable_grad(), torch.autocast(device_type=device.type, enabled=False):
        yield


class KeptInFloat32(nn.Module):
    """A module whose numbers are float32 or better, also where the model is in half precision.

    Half precision has no numbers for what one step adds to a moving average.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        def kept(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return at_least_float32(moved) if moved.is_floating_point() else moved

        super()._apply(kept, recurse)  # type: ignore[no-untyped-call]
        return self
