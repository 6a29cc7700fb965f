"""Part 2, continued: forms of the same operation, of which the library takes the fastest.

The first form of each operation is the library's own; the others give the same numbers.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.gpu.ceilings import seconds
from benchmarks.gpu.device import device
from benchmarks.gpu.part import REHEARSAL, Report
from ganzoo.networks.resampling import downsample, low_pass, resample, upsample

BATCH = 2 if REHEARSAL else 64
WIDTH = 16 if REHEARSAL else 512
GROUPS = 4 if REHEARSAL else 96
OF_GROUP = 16
"""Channels of one group in R3GAN's blocks, 96 of which a map of its CIFAR networks has."""
SIZES = (8,) if REHEARSAL else (32, 8)
MERGED = (2, 4) if REHEARSAL else (2, 4, 8, 16)
PRECISIONS = {"TF32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}

Form = Callable[..., Tensor]


def main() -> None:
    """Forward and backward passes of every form, in both precisions and memory formats."""
    report = Report.begin("forms")
    where = device()
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    rows: list[dict[str, Any]] = []
    for operation, form, run, shapes in operations():
        for precision, dtype in PRECISIONS.items():
            for layout, form_of_memory in LAYOUTS.items():
                inputs = [_input(shape, where, dtype, form_of_memory) for shape in shapes]
                spent = seconds(lambda run=run, inputs=inputs: _pass(run, inputs))
                name = {"operation": operation, "form": form}
                kind = {"precision": precision, "layout": layout}
                rows.append({**name, **kind, "milliseconds": 1e3 * spent})
                report.put(rows=rows)


def operations() -> Iterator[tuple[str, str, Form, list[tuple[int, ...]]]]:
    """Names of an operation and of its form, the form, and the shapes of its inputs."""
    for size in SIZES:
        channels = GROUPS * OF_GROUP
        maps, weight = (BATCH, channels, size, size), (channels, OF_GROUP, 3, 3)
        name = f"3x3 convolution of {GROUPS} groups of {OF_GROUP} channels, {size} pixels"
        yield name, "grouped", partial(grouped, merged=1), [maps, weight]
        for merged in MERGED:
            form = f"{merged} groups in one, with zeros"
            yield name, form, partial(grouped, merged=merged), [maps, weight]
        maps, weight = (BATCH, WIDTH, size, size), (WIDTH, WIDTH, 3, 3)
        scales = (BATCH, WIDTH)
        name = f"modulated 3x3 convolution of {WIDTH} channels, {size} pixels"
        yield name, "scaled maps", scaled, [maps, weight, scales]
        yield name, "a group for each sample", grouped_by_sample, [maps, weight, scales]
        for name, own, other in (
            ("doubling", upsample, separable_up),
            ("halving", downsample, separable_down),
        ):
            name = f"{name} of {WIDTH} channels through 4x4 taps, {size} pixels"
            yield name, "at once", partial(filtered, own), [maps]
            yield name, "along each axis", partial(filtered, other), [maps]


def grouped(maps: Tensor, weight: Tensor, *, merged: int) -> Tensor:
    """A grouped convolution whose groups are put together, so many in one, with zeros between."""
    groups = maps.shape[1] // weight.shape[1] // merged
    if merged > 1:
        outputs, inputs, *size = weight.shape
        blocks = weight.view(groups, merged, outputs // groups // merged, inputs, *size)
        spread = blocks.new_zeros(groups, merged, blocks.shape[2], merged, inputs, *size)
        index = torch.arange(merged, device=maps.device)
        spread[:, index, :, index] = blocks.transpose(0, 1)
        weight = spread.flatten(0, 2).flatten(1, 2)
    return functional.conv2d(maps, weight, padding=1, groups=groups)


def scaled(maps: Tensor, weight: Tensor, scales: Tensor) -> Tensor:
    """Maps are scaled before a convolution that all samples share, and after it."""
    outputs = functional.conv2d(maps * scales[:, :, None, None], weight, padding=1)
    squares = weight.square().sum(dim=(2, 3))
    return outputs * (scales.square() @ squares.t() + 1e-8).rsqrt()[:, :, None, None]


def grouped_by_sample(maps: Tensor, weight: Tensor, scales: Tensor) -> Tensor:
    """Each sample has a weight, and a group of one convolution, of its own."""
    weights = weight * scales[:, None, :, None, None]
    weights = weights * (weights.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    own = maps.reshape(1, -1, *maps.shape[2:])
    outputs = functional.conv2d(own, weights.flatten(0, 1), padding=1, groups=len(maps))
    return outputs.view(len(maps), -1, *maps.shape[2:])


def filtered(through: Callable[[Tensor, Tensor], Tensor], maps: Tensor) -> Tensor:
    """Maps of another size, through StyleGAN2's filter."""
    return through(maps, low_pass([1, 3, 3, 1]).to(maps.device))


def separable_up(maps: Tensor, kernel: Tensor) -> Tensor:
    """The filter of ``upsample`` along one axis after the other."""
    line = kernel.sum(dim=0)
    wide = resample(maps, line[None], up=2, padding=(2, 1, 0, 0), gain=2)
    return resample(wide, line[:, None], padding=(0, 0, 2, 1), gain=2)


def separable_down(maps: Tensor, kernel: Tensor) -> Tensor:
    """The filter of ``downsample`` along one axis after the other."""
    line = kernel.sum(dim=0)
    narrow = resample(maps, line[None], padding=(1, 1, 0, 0))[..., ::2]
    return resample(narrow, line[:, None], padding=(0, 0, 1, 1))[:, :, ::2]


def _input(
    shape: tuple[int, ...], where: torch.device, dtype: torch.dtype, layout: torch.memory_format
) -> Tensor:
    made = torch.randn(shape, device=where, dtype=dtype)
    if made.dim() == 4:
        made = made.to(memory_format=layout)
    return made.requires_grad_()


def _pass(run: Form, inputs: list[Tensor]) -> None:
    outputs = run(*inputs)
    torch.autograd.grad(outputs, inputs, torch.ones_like(outputs))


if __name__ == "__main__":
    main()
