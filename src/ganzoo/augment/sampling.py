"""Bilinear sampling that can be differentiated any number of times."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def sampled(images: Tensor, grid: Tensor) -> Tensor:
    """Read images at places between their pixels, zeros outside.

    The result is linear in the images, and so is its gradient in what it is given: each is the
    other's transpose. ``functional.grid_sample`` has no second derivative in older torch.

    Args:
        images: ``[B, C, H, W]``.
        grid: ``[B, H', W', 2]`` with x and y from -1, the outer edge of the first pixel, to 1. No
            gradients flow to it.

    Returns:
        ``[B, C, H', W']``.
    """
    return _Sampled.apply(images, grid)  # type: ignore[no-any-return]


class _Sampled(torch.autograd.Function):
    """The reading."""

    @staticmethod
    def forward(images: Tensor, grid: Tensor) -> Tensor:
        return functional.grid_sample(images, grid, align_corners=False)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        images, grid = inputs
        ctx.save_for_backward(grid)
        ctx.sizes = images.shape[-2:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradients[0], grid, *ctx.sizes), None


class _Spread(torch.autograd.Function):
    """Its transpose: what is read at a place is given back to the pixels around it."""

    @staticmethod
    def forward(values: Tensor, grid: Tensor, height: int, width: int) -> Tensor:
        images = values.new_zeros(()).expand(*values.shape[:2], height, width)
        found, _ = torch.ops.aten.grid_sampler_2d_backward(
            values.contiguous(), images, grid, 0, 0, False, [True, False]
        )
        return found  # type: ignore[no-any-return]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (grid,) = ctx.saved_tensors
        return _Sampled.apply(gradients[0], grid), None, None, None
