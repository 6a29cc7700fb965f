"""Images moved by affine maps, with little aliasing."""

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.augment.affine import scaling, translation
from ganzoo.augment.borders import reflected
from ganzoo.augment.sampling import sampled


def warped(images: Tensor, sources: Tensor, taps: Tensor) -> Tensor:
    """Move images ``[B, C, H, W]`` by affine maps.

    Karras et al. (2020, arXiv 2006.06676), appendix B.2: images are reflected at their borders,
    brought to twice their size by a wavelet's filter, sampled there, and brought back. Where that
    is more than one image away, there are zeros.

    Args:
        images: As above.
        sources: ``[B, 3, 3]`` in float64, on the CPU: where each pixel of the result comes
            from, both in pixels from the centre.
        taps: The filter ``[T]``, T a multiple of 4, which sums to 1.

    Returns:
        As many images of the same size.
    """
    height, width = images.shape[-2:]
    reach = len(taps) // 4  # pixels that the result needs more on each side, to be filtered
    left, right, above, below = _margins(sources, height, width, reach)
    doubled = _doubled(reflected(images, (left, right, above, below)), taps)
    centred = translation((left - right) / 2, (above - below) / 2)
    finer = scaling(2, 2) @ centred @ sources @ scaling(0.5, 0.5)
    # Each pixel has become two, whose centres are a quarter of a pixel from its own.
    finer = translation(-0.5, -0.5) @ finer @ translation(0.5, 0.5)
    sizes = (height + 2 * reach) * 2, (width + 2 * reach) * 2
    return _halved(sampled(doubled, _grid(finer, doubled, sizes)), taps)


def _margins(sources: Tensor, height: int, width: int, reach: int) -> list[int]:
    """Pixels by which images must be continued left, right, above and below: one image at most.

    In one graph of ``torch.compile`` they cannot depend on the draws, and are as many as may be.
    """
    if torch.compiler.is_compiling():
        return [width - 1, width - 1, height - 1, height - 1]
    sides = torch.tensor([width, height], dtype=sources.dtype, device="cpu")
    half = (sides - 1) / 2
    signs = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=sources.dtype, device="cpu")
    corners = sources[:, :2, :2] @ (signs * half).T + sources[:, :2, 2:]
    beyond = torch.stack([-corners, corners]).amax(dim=(1, 3)) + 2 * reach - half  # [2, 2]
    before, after = beyond.clamp(min=0).minimum(sides - 1).ceil().int().tolist()
    return [before[0], after[0], before[1], after[1]]


def _grid(finer: Tensor, doubled: Tensor, sizes: tuple[int, int]) -> Tensor:
    """Where to read, in the units of :func:`~ganzoo.augment.sampling.sampled`."""
    count, channels, height, width = doubled.shape
    units = scaling(2 / width, 2 / height) @ finer
    units = units @ scaling(sizes[1] / 2, sizes[0] / 2)
    theta = units[:, :2].to(doubled, non_blocking=True)
    return functional.affine_grid(theta, [count, channels, *sizes], align_corners=False)


def _doubled(images: Tensor, taps: Tensor) -> Tensor:
    """Bring ``[B, C, H, W]`` to ``[B, C, 2 H, 2 W]``, zeros around."""
    planes, side = _planes(images), len(taps) // 2 - 1
    across, down = _filters(2 * taps.to(images), planes)
    planes = functional.conv_transpose2d(
        planes, across, stride=(1, 2), padding=(0, side), groups=len(across)
    )
    planes = functional.conv_transpose2d(
        planes, down, stride=(2, 1), padding=(side, 0), groups=len(down)
    )
    return planes.view(*images.shape[:2], *planes.shape[2:])


def _halved(images: Tensor, taps: Tensor) -> Tensor:
    """Bring ``[B, C, 2 (H + R), 2 (W + R)]``, R half of the taps, to ``[B, C, H, W]``."""
    planes = _planes(images[:, :, 1:-1, 1:-1])
    across, down = _filters(taps.to(images), planes)
    planes = functional.conv2d(planes, across, stride=(1, 2), groups=len(across))
    planes = functional.conv2d(planes, down, stride=(2, 1), groups=len(down))
    return planes.view(*images.shape[:2], *planes.shape[2:])


def _planes(images: Tensor) -> Tensor:
    """The planes of ``[B, C, H, W]``, each of which is filtered by itself, with an axis of size 1.

    On a CPU convolutions of many groups take a seventh of the time of a batch of planes.
    """
    planes = images.flatten(0, 1)
    return planes[None] if images.device.type == "cpu" else planes[:, None]


def _filters(taps: Tensor, planes: Tensor) -> tuple[Tensor, Tensor]:
    """Filters along rows and along columns, for each channel of planes."""
    count, size = planes.shape[1], len(taps)
    return taps.expand(count, 1, 1, size), taps[:, None].expand(count, 1, size, 1)
