"""Layers whose weights a style modulates.

Karras et al. 2020 (arXiv 1912.04958), section 2.2 and figure 2.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganzoo.networks.equalized import (
    EPS,
    EqualizedLinear,
    leaky_relu,
    same_size_convolution,
    with_bias,
)
from ganzoo.networks.noise import Noise
from ganzoo.precision import at_least_float32

Convolution = Callable[[Tensor, Tensor], Tensor]
"""A convolution of features [B, I, H, W] with a weight [O, I, K, K]."""


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
