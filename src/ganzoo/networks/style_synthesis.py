"""From styles to images: the synthesis network of StyleGAN2 with skips of images.

Karras et al. 2020 (arXiv 1912.04958), figures 2 and 7b.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import check_not_negative, check_positive, check_whole
from ganzoo.networks.equalized import (
    HALF,
    EqualizedConvolution,
    same_size_convolution,
)
from ganzoo.networks.noise import Noise, fresh_noise
from ganzoo.networks.resampling import low_pass, upsample, upsampling_convolution
from ganzoo.networks.shapes import Levels
from ganzoo.networks.style_layers import StyleLayer, ToImage

PRESET_SIDE = 32  # of images whose maps have the most channels at all sizes
LARGE_SIDE = 512  # of images whose maps have twice as many


class StyleSynthesis(nn.Module):
    """A learnt constant, convolutions that styles modulate, and the sum of images of all sizes.

    The constant passes one convolution, and at each larger size features pass one that doubles
    them and one that does not. At each size there is an image, and the smaller one is added to it
    through the low-pass filter. Images end in no tanh.

    Args:
        channels: C of the images.
        levels: Their size, as a first size and how often it is doubled.
        style_dim: W.
        width: Channels of the features of the images' size; they double towards the first size.
            None takes those of the authors' presets (:func:`usual_width`).
        max_width: The most channels of any size, of presets at 32 pixels.
        taps: Of the low-pass filter along each axis, see :mod:`ganzoo.networks.resampling`.
        negative_slope: Of leaky ReLU.
        clamp: Bound of the magnitude of features and images after each layer, or None.

    Attributes:
        num_styles: L, two for each size.

    Raises:
        InputError: if a number is out of range.
    """

    kernel: Tensor

    def __init__(
        self,
        *,
        channels: int,
        levels: Levels,
        style_dim: int,
        width: int | None,
        max_width: int,
        taps: Sequence[float],
        negative_slope: float,
        clamp: float | None,
    ) -> None:
        super().__init__()
        check_positive(clamp=1 if clamp is None else clamp)
        check_not_negative(negative_slope=negative_slope)
        self.register_buffer("kernel", low_pass(taps), persistent=False)
        widths = widths_of(width, max_width, min(levels.base) * 2**levels.halvings, levels)
        self.num_styles = 2 * len(widths)
        self.constant = nn.Parameter(torch.randn(widths[0], *levels.base))
        layer = partial(StyleLayer, style_dim, negative_slope=negative_slope, clamp=clamp)
        self.layers = nn.ModuleList([layer(widths[0], widths[0])])
        for width_in, width_out in pairwise(widths):
            self.layers += [layer(width_in, width_out), layer(width_out, width_out)]
        self.to_images = nn.ModuleList(
            ToImage(style_dim, width, channels, clamp=clamp) for width in self.image_widths(widths)
        )

    def image_widths(self, widths: Sequence[int]) -> Sequence[int]:
        """The channels of the maps that are turned into images."""
        return widths

    def forward(self, styles: Tensor, *, noise: Noise | None = None) -> Tensor:
        """Map styles [B, L, W] to images [B, C, H, W].

        Args:
            styles: The first is of the first convolution, and each size's image takes the style of
                the next size's first convolution.
            noise: What draws the noise of each layer, in their order; None draws from torch's
                global random state.
        """
        image = torch.zeros(())
        for level, features in enumerate(self.maps(styles, noise)):
            larger = upsample(image, self.kernel) if level else image
            image = larger + self.to_images[level](features, styles[:, 2 * level + 1])
        return image

    def maps(self, styles: Tensor, noise: Noise | None) -> Iterator[Tensor]:
        """Features [B, F, h, w] of each size, the smallest first."""
        draw = fresh_noise if noise is None else noise
        constant = self.constant.expand(len(styles), -1, -1, -1)
        features = self.layers[0](constant, styles[:, 0], same_size_convolution, draw)
        yield features
        for index in range(1, len(self.layers), 2):
            features = self.enlarged(features, styles, index, draw)
            yield features

    def enlarged(
        self, features: Tensor, styles: Tensor, index: int, noise: Noise, gain: float = 1.0
    ) -> Tensor:
        """Features of twice the size, by the layer of an index and the one after it."""
        double = partial(upsampling_convolution, kernel=self.kernel)
        features = self.layers[index](features, styles[:, index], double, noise)
        second = self.layers[index + 1]
        enlarged: Tensor = second(
            features, styles[:, index + 1], same_size_convolution, noise, gain=gain
        )
        return enlarged


class PlainStyleSynthesis(StyleSynthesis):
    """The form without skips: only the largest maps become an image (figure 7a)."""

    def image_widths(self, widths: Sequence[int]) -> Sequence[int]:
        """The channels of the largest maps."""
        return widths[-1:]

    def forward(self, styles: Tensor, *, noise: Noise | None = None) -> Tensor:
        """Map styles [B, L, W] to images [B, C, H, W], as :meth:`StyleSynthesis.forward`."""
        *_, largest = self.maps(styles, noise)
        image: Tensor = self.to_images[0](largest, styles[:, -1])
        return image


class ResidualStyleSynthesis(PlainStyleSynthesis):
    """The form of residual blocks, whose sums keep the variance (figure 7c)."""

    def __init__(self, **sizes: Any) -> None:
        super().__init__(**sizes)
        weights = [cast("Tensor", layer.weight) for layer in self.layers[1::2]]
        self.skips = nn.ModuleList(
            EqualizedConvolution(weight.shape[1], weight.shape[0], 1, bias=False)
            for weight in weights
        )

    def enlarged(
        self, features: Tensor, styles: Tensor, index: int, noise: Noise, gain: float = HALF
    ) -> Tensor:
        """The sum of a 1x1 convolution and of the two layers, each with half the variance."""
        double = partial(upsampling_convolution, kernel=self.kernel)
        skip: Tensor = self.skips[index // 2](features, double) * gain
        return skip + super().enlarged(features, styles, index, noise, gain)


def widths_of(width: int | None, max_width: int, side: int, levels: Levels) -> list[int]:
    """The channels of each size from the smallest, twice as many at half the size, up to a most.

    Args:
        width: of the largest maps; None for those of the authors' presets (:func:`usual_width`).
        max_width: the most; of presets at 32 pixels.
        side: the shorter one of images.
        levels: of their size.

    Raises:
        InputError: if a number is out of range.
    """
    check_whole(max_width=max_width)
    if width is None:
        width, max_width = usual_width(side, max_width)
    check_whole(width=width)
    return [min(width * 2**number, max_width) for number in range(levels.halvings, -1, -1)]


def usual_width(side: int, most: int) -> tuple[int, int]:
    """The channels of the largest maps, and the most of any, for images of a side.

    The presets have 512 channels up to 32 pixels, from there half as many at twice the size, and
    from images of 512 pixels on twice as many again; here images smaller than 32 pixels have fewer,
    in proportion.
    """
    base = most * PRESET_SIDE * (2 if side >= LARGE_SIDE else 1)
    cap = max(most * min(side, PRESET_SIDE) // PRESET_SIDE, 1)
    return min(max(base // side, 1), cap), cap
