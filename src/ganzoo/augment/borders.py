"""Images continued over their borders."""

import torch
from torch import Tensor


def reflected(images: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    """Continue images ``[B, C, H, W]`` over their borders by their mirror images.

    Args:
        images: As above.
        padding: Pixels left, right, above and below, any number of them.
    """
    left, right, above, below = padding
    for axis, before, after in ((-1, left, right), (-2, above, below)):
        if before or after:
            size = images.shape[axis]
            places = _reflected_places(size, before, after, images.device)
            images = images.index_select(axis, places)
    return images


def _reflected_places(size: int, before: int, after: int, device: torch.device) -> Tensor:
    """Which of ``size`` entries stands at each place, the first and the last one not repeated."""
    period = max(2 * (size - 1), 1)
    places = torch.arange(-before, size + after, device=device) % period
    return torch.minimum(places, period - places) if size > 1 else places
