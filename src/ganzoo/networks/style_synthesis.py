"""From styles to images: the synthesis network of StyleGAN2 with skips of images.

Karras et al. 2020 (arXiv 1912.04958), figures 2 and 7b.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.errors import check_not_negative, check_positive, check_whole
from ganzoo.networks.equalized import EPS, EqualizedLinear, leaky_relu
from ganzoo.networks.noise import Noise, fresh_noise
from ganzoo.networks.resampling import low_pass, upsample, upsampling_convolution
from ganzoo.networks.shapes import Levels
from ganzoo.precision import at_least_float32

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
        max_width: The most channels of any size.
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
        width: int,
        max_width: int,
        taps: Sequence[float],
        negative_slope: float,
        clamp: float | None,
    ) -> None:
        super().__init__()
        check_whole(width=width, max_width=max_width)
        check_positive(clamp=1 if clamp is None else clamp)
        check_not_negative(negative_slope=negative_slope)
        self.register_buffer("kernel", low_pass(taps), persistent=False)
        doublings = range(levels.halvings, -1, -1)
        widths = [min(width * 2**number, max_width) for number in doublings]
        self.num_styles = 2 * len(widths)
        self.constant = nn.Parameter(torch.randn(widths[0], *levels.base))
        layer = partial(StyleLayer, style_dim, negative_slope=negative_slope, clamp=clamp)
        self.layers = nn.ModuleList([layer(widths[0], widths[0])])
        for width_in, width_out in pairwise(widths):
            self.layers += [layer(width_in, width_out), layer(width_out, width_out)]
        self.to_images = nn.ModuleList(
            ToImage(style_dim, width, channels, clamp=clamp) for width in widths
        )

    def forward(self, styles: Tensor, *, noise: Noise | None = None) -> Tensor:
        """Map styles [B, L, W] to images [B, C, H, W].

        Args:
            styles: The first is of the first convolution, and each size's image takes the style of
                the next size's first convolution.
            noise: What draws the noise of each layer, in their order; None draws from torch's
                global random state.
        """
        draw = fresh_noise if noise is None else noise
        double = partial(upsampling_convolution, kernel=self.kernel)
        constant = self.constant.expand(len(styles), -1, -1, -1)
        features = self.layers[0](constant, styles[:, 0], same_size_convolution, draw)
        image: Tensor = self.to_images[0](features, styles[:, 1])
        for index in range(1, len(self.layers), 2):
            features = self.layers[index](features, styles[:, index], double, draw)
            features = self.layers[index + 1](
                features, styles[:, index + 1], same_size_convolution, draw
            )
            larger = upsample(image, self.kernel)
            image = larger + self.to_images[index // 2 + 1](features, styles[:, index + 2])
        return image


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
        self, features: Tensor, style: Tensor, convolution: Convolution, noise: Noise
    ) -> Tensor:
        """Map features [B, I, H, W] and a style [B, W] to features [B, O, H', W']."""
        scales = self.affine(style)
        features = modulated_convolution(features, self.weight, scales, convolution)
        features = features + self.noise_strength * noise(features)
        return clamped(leaky_relu(with_bias(features, self.bias), self.negative_slope), self.clamp)


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


def same_size_convolution(features: Tensor, weight: Tensor) -> Tensor:
    """Convolve features [B, I, H, W] with a weight [O, I, K, K], K odd: [B, O, H, W]."""
    return functional.conv2d(features, weight, padding=weight.shape[-1] // 2)


def with_bias(features: Tensor, bias: Tensor) -> Tensor:
    """Add a bias [C] to features [B, C, H, W]."""
    return features + bias.to(features.dtype)[:, None, None]


def clamped(features: Tensor, bound: float | None) -> Tensor:
    """Features with a magnitude of at most the bound, where there is one."""
    return features if bound is None else features.clamp(-bound, bound)
