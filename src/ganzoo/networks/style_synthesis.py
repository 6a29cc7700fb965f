"""From styles to images: the synthesis network of StyleGAN2 with skips of images.

Karras et al. 2020 (arXiv 1912.04958), figures 2 and 7b.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import check_not_negative, check_positive, check_whole
from ganzoo.networks.equalized import (
    EPS,
    HALF,
    EqualizedConvolution,
    EqualizedLinear,
    leaky_relu,
    same_size_convolution,
    with_bias,
)
from ganzoo.networks.noise import Noise, fresh_noise
from ganzoo.networks.resampling import low_pass, upsample, upsampling_convolution
from ganzoo.networks.shapes import Levels
from ganzoo.precision import at_least_float32

PRESET_SIDE = 32  # of images whose maps have the most channels at all sizes
LARGE_SIDE = 512  # of images whose maps have twice as many

Convolution = Callable[[Tensor, Tensor], Tensor]
"""A convolution of features [B, I, H, W] with a weight [O, I, K, K]."""


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


class StyleLayer(nn.Module):
    """A modulated 3x3 convolution, noise, bias and leaky ReLU.

    The noise is a map that all channels share times a learnt strength, which is 0 at first.

    Args:
        style_dim: W.
        width_in: I.
        width_out: O.
        negative_slope: of leaky ReLU.
        clamp: bound of the outputs' magnitude, or None.
    """

    def __init__(
        self,
        style_dim: int,
        width_in: int,
        width_out: int,
        *,
        negative_slope: float,
        clamp: float | None,
    ) -> None:
        super().__init__()
        self.affine = EqualizedLinear(style_dim, width_in, bias=1.0)
        self.weight = nn.Parameter(torch.randn(width_out, width_in, 3, 3))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(width_out))
        self.negative_slope, self.clamp = negative_slope, clamp

    def forward(
        self,
        features: Tensor,
        style: Tensor,
        convolution: Convolution,
        noise: Noise,
        *,
        gain: float = 1.0,
    ) -> Tensor:
        """Map features [B, I, H, W] and a style [B, W] to features [B, O, H', W'].

        Args:
            features: As above.
            style: As above.
            convolution: Of features with a weight.
            noise: What draws the noise.
            gain: Factor of the result, and of its bound.
        """
        scales = self.affine(style)
        features = modulated_convolution(features, self.weight, scales, convolution)
        features = features + self.noise_strength * noise(features)
        return activated(with_bias(features, self.bias), self.negative_slope, self.clamp, gain)


class ToImage(nn.Module):
    """A modulated 1x1 convolution to an image, without demodulation, and bias.

    Args:
        style_dim: W.
        width: I.
        channels: C.
        clamp: bound of the outputs' magnitude, or None.
    """

    def __init__(self, style_dim: int, width: int, channels: int, *, clamp: float | None) -> None:
        super().__init__()
        self.affine = EqualizedLinear(style_dim, width, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels, width, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.clamp = clamp

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """Map features [B, I, H, W] and a style [B, W] to images [B, C, H, W] in float32."""
        scales = self.affine(style) / math.sqrt(self.weight.shape[1])
        images = same_size_convolution(modulated(features, scales), self.weight)
        return at_least_float32(clamped(with_bias(images, self.bias), self.clamp))


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


def modulated(features: Tensor, scales: Tensor) -> Tensor:
    """Multiply the channels of features [B, I, H, W] by scales [B, I]."""
    return features * scales.to(features.dtype)[:, :, None, None]


def modulated_convolution(
    features: Tensor, weight: Tensor, scales: Tensor, convolution: Convolution
) -> Tensor:
    """Convolve with weights whose input channels are scaled, and which are then normalised.

    Section 2.2, equations 1 and 3: of each sample w'_oik = s_i w_oik, divided by the root of their
    sum of squares over i and k. The scales are applied to features before the convolution and the
    norms after it, which is the same function; weights and scales are made small for the
    convolution and its outcome is made larger by as much, so that half precision holds it.

    Args:
        features: [B, I, H, W].
        weight: [O, I, K, K].
        scales: s, [B, I].
        convolution: of features and a weight.
    """
    smaller = 1 / math.sqrt(weight[0].numel())
    largest = at_least_float32(scales.detach()).abs().amax(dim=1, keepdim=True) + EPS
    convolved = convolution(modulated(features, scales / largest), weight * smaller)
    return modulated(convolved, demodulation(weight, scales) * largest / smaller)


def demodulation(weight: Tensor, scales: Tensor) -> Tensor:
    """One over the norm of each output channel's weights, given the scales [B, I]: [B, O]."""
    with torch.autocast(scales.device.type, enabled=False):
        squares = at_least_float32(weight).square().sum(dim=(2, 3))
        return (at_least_float32(scales).square() @ squares.T + EPS).rsqrt()


def activated(
    features: Tensor, negative_slope: float, clamp: float | None, gain: float = 1.0
) -> Tensor:
    """Leaky ReLU and a gain, with a bound that has the gain as well."""
    outputs = leaky_relu(features, negative_slope)
    if gain == 1:
        return clamped(outputs, clamp)
    return clamped(outputs * gain, None if clamp is None else clamp * gain)


def clamped(features: Tensor, bound: float | None) -> Tensor:
    """Features with a magnitude of at most the bound, where there is one."""
    return features if bound is None else features.clamp(-bound, bound)
