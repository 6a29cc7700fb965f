"""What the two networks of R3GAN are built from.

Huang et al. 2024 (arXiv 2501.05441), section 4: grouped residual blocks without any normalisation,
initialised by Fixup (Zhang et al. 2019, arXiv 1901.09321). Weights start from N(0, g^2 / F), g the
gain and F the inputs of one output.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.errors import InputError, check_not_negative, check_whole
from ganzoo.networks.resampling import downsample, low_pass, upsample

PRESET_SIDE = 32  # of images whose maps have the most channels at all sizes


class Convolution(nn.Conv2d):
    """A convolution without bias that keeps the size of maps, in the precision of its input.

    Args:
        inputs: I.
        outputs: O.
        size: K, odd.
        groups: that channels are divided into.
        gain: g.
    """

    def __init__(
        self, inputs: int, outputs: int, size: int = 1, *, groups: int = 1, gain: float = 1.0
    ) -> None:
        super().__init__(
            inputs, outputs, size, padding=size // 2, groups=groups, bias=False, device="meta"
        )  # which draws no weights
        self.weight = normal(outputs, inputs // groups, size, size, gain=gain)

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, I, H, W] to [B, O, H, W]."""
        weight = self.weight.to(features.dtype)
        return functional.conv2d(features, weight, padding=self.padding, groups=self.groups)


class BiasActivation(nn.Module):
    """A bias for each channel, then leaky ReLU.

    Args:
        channels: C.
        negative_slope: of leaky ReLU.
    """

    def __init__(self, channels: int, *, negative_slope: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.negative_slope = negative_slope

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        biased = features + self.bias.to(features.dtype)[:, None, None]
        return functional.leaky_relu(biased, self.negative_slope)


class GroupedBlock(nn.Module):
    """A 1x1 convolution to more channels, a grouped 3x3 and a 1x1 back, added to their input.

    The last starts at zero, so that the block starts as the identity, and the others by Fixup's
    rule for three layers: their gain is that of leaky ReLU times L^(-1/4).

    Args:
        channels: C.
        groups: of the 3x3 convolution.
        expansion: by which the channels are more within.
        negative_slope: of leaky ReLU.
        depth: L, the blocks of the whole network.
    """

    def __init__(
        self, channels: int, *, groups: int, expansion: int, negative_slope: float, depth: int
    ) -> None:
        super().__init__()
        inner = channels * expansion
        gain = math.sqrt(2 / (1 + negative_slope**2)) * depth ** (-1 / 4)
        self.layers = nn.Sequential(
            Convolution(channels, inner, gain=gain),
            BiasActivation(inner, negative_slope=negative_slope),
            Convolution(inner, inner, 3, groups=groups, gain=gain),
            BiasActivation(inner, negative_slope=negative_slope),
            Convolution(inner, channels, gain=0.0),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        branch: Tensor = self.layers(features)
        return features + branch


class Up(nn.Module):
    """Maps of twice the size: a 1x1 convolution where the width changes, then the filter.

    Args:
        inputs: I.
        outputs: O.
        taps: of the filter along each axis.
    """

    kernel: Tensor

    def __init__(self, inputs: int, outputs: int, taps: Sequence[float]) -> None:
        super().__init__()
        self.convolution = _to_width(inputs, outputs)
        self.register_buffer("kernel", low_pass(taps), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, I, H, W] to [B, O, 2 H, 2 W]."""
        return upsample(self.convolution(features), self.kernel)


class Down(nn.Module):
    """Maps of half the size: the filter, then a 1x1 convolution where the width changes.

    Args:
        inputs: I.
        outputs: O.
        taps: of the filter along each axis.
    """

    kernel: Tensor

    def __init__(self, inputs: int, outputs: int, taps: Sequence[float]) -> None:
        super().__init__()
        self.convolution = _to_width(inputs, outputs)
        self.register_buffer("kernel", low_pass(taps), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, I, H, W], H and W even, to [B, O, H / 2, W / 2]."""
        reduced: Tensor = self.convolution(downsample(features, self.kernel))
        return reduced


def block_stages(
    widths: Sequence[int],
    *,
    group_widths: Sequence[int],
    blocks: Sequence[int],
    expansion: int,
    negative_slope: float,
) -> list[nn.Sequential]:
    """The residual blocks of each size.

    Args:
        widths: C of each size.
        group_widths: channels of C that one group of a 3x3 convolution stands for.
        blocks: how many of each size.
        expansion: of the blocks.
        negative_slope: of leaky ReLU.

    Raises:
        InputError: if a number is out of range, or a width no multiple of that of its groups.
    """
    check_whole(expansion=expansion)
    check_not_negative(negative_slope=negative_slope)
    for width, group_width in zip(widths, group_widths, strict=True):
        if width % group_width:
            raise InputError(
                f"groups of {group_width} channels do not divide maps of {width}: set another "
                "group_width or width of the network"
            )
    return [
        nn.Sequential(
            *(
                GroupedBlock(
                    width,
                    groups=width // group_width,
                    expansion=expansion,
                    negative_slope=negative_slope,
                    depth=sum(blocks),
                )
                for _ in range(count)
            )
        )
        for width, group_width, count in zip(widths, group_widths, blocks, strict=True)
    ]


def widths_of(
    width: int | Sequence[int] | None, *, max_width: int, side: int, count: int
) -> list[int]:
    """The channels of maps of so many sizes, the smallest first.

    Args:
        width: of the largest maps, twice as many at each smaller size; or all of them; or None
            for those of the authors' presets (:func:`usual_width`).
        max_width: the most, where they double; of presets at 32 pixels.
        side: the shorter one of images.
        count: of sizes.

    Raises:
        InputError: if they are of another count, or not whole and positive.
    """
    check_whole(max_width=max_width)
    if width is None:
        width, max_width = usual_width(side, max_width)
    if isinstance(width, int):
        check_whole(width=width)
        width = [min(width * 2**number, max_width) for number in reversed(range(count))]
    return each_size("width", width, count)


def usual_width(side: int, most: int) -> tuple[int, int]:
    """The channels of the largest maps, and the most of any, for images of a side.

    The presets for CIFAR-10 and FFHQ have 768 channels up to 32 pixels, 384 at 64 and 96 at 256;
    here smaller images have fewer, in proportion, in whole groups of 8.
    """
    largest = max(most * PRESET_SIDE // max(side, PRESET_SIDE), 8)
    cap = max(most * min(side, PRESET_SIDE) // PRESET_SIDE // 8 * 8, 8)
    return min(largest, cap), cap


def each_size(name: str, value: int | Sequence[int], count: int) -> list[int]:
    """A number for each of so many sizes of maps, from one number for all or from their list.

    Raises:
        InputError: if they are of another count, or not whole and positive.
    """
    values = [value] * count if isinstance(value, int) else list(value)
    if len(values) != count:
        raise InputError(
            f"{name} has {len(values)} numbers, and these images have maps of {count} sizes: give "
            "one for each, or a single number"
        )
    for number in values:
        check_whole(**{name: number})
    return values


def normal(*shape: int, gain: float = 1.0) -> nn.Parameter:
    """A weight ``[O, ...]`` from N(0, g^2 / F), F the number of entries of one output."""
    return nn.Parameter(torch.randn(shape) * (gain / math.sqrt(math.prod(shape[1:]))))


def _to_width(inputs: int, outputs: int) -> nn.Module:
    return nn.Identity() if inputs == outputs else Convolution(inputs, outputs)
