"""Layers whose weights are scaled when they are used, and not when they start.

Karras et al. 2018 (arXiv 1710.10196), section 4.1: weights start from N(0, 1) and are divided by
the root of the number of inputs in every pass, so that an optimizer which is invariant to the scale
of gradients (Adam) moves all layers at one speed relative to their size. StyleGAN (Karras et al.
2019, arXiv 1812.04948) slows layers down by a multiplier of their learning rate.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.precision import at_least_float32

EPS = 1e-8  # what the authors add to squares before they take roots
HALF = math.sqrt(0.5)  # the gain of each of two branches whose sum keeps the variance


class EqualizedLinear(nn.Linear):
    """A linear layer with equalised learning rate: y = m (W / sqrt(I) x + b).

    Args:
        inputs: I.
        outputs: O.
        lr_multiplier: m; the entries of W start from N(0, 1 / m^2).
        bias: what m b is at first, for all outputs.
    """

    def __init__(
        self, inputs: int, outputs: int, *, lr_multiplier: float = 1.0, bias: float = 0.0
    ) -> None:
        super().__init__(inputs, outputs, device="meta")  # which draws no weights
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_multiplier))
        self.lr_multiplier = lr_multiplier

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, I] to [B, O]."""
        scale = self.lr_multiplier / math.sqrt(self.weight.shape[1])
        weight, bias = self.weight * scale, self.bias * self.lr_multiplier
        return functional.linear(features.to(weight.dtype), weight, bias)


class EqualizedConvolution(nn.Conv2d):
    """A convolution with equalised learning rate.

    Args:
        inputs: I.
        outputs: O.
        size: K, odd.
        bias: whether there is one for each output, 0 at first.
    """

    def __init__(self, inputs: int, outputs: int, size: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, size, padding=size // 2, bias=bias, device="meta")
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        if bias:
            self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(
        self, features: Tensor, convolve: Callable[[Tensor, Tensor], Tensor] | None = None
    ) -> Tensor:
        """Map [B, I, H, W] to [B, O, H', W'].

        Args:
            features: As above.
            convolve: Convolution of features with a weight; None keeps the maps' size.
        """
        weight = (self.weight / math.sqrt(self.weight[0].numel())).to(features.dtype)
        outputs = (convolve or same_size_convolution)(features, weight)
        return outputs if self.bias is None else with_bias(outputs, self.bias)


def same_size_convolution(features: Tensor, weight: Tensor) -> Tensor:
    """Convolve features [B, I, H, W] with a weight [O, I, K, K], K odd: [B, O, H, W]."""
    return functional.conv2d(features, weight, padding=weight.shape[-1] // 2)


def with_bias(features: Tensor, bias: Tensor) -> Tensor:
    """Add a bias [C] to features [B, C, H, W]."""
    return features + bias.to(features.dtype)[:, None, None]


def leaky_relu(features: Tensor, negative_slope: float) -> Tensor:
    """Leaky ReLU times sqrt(2), which for a slope of 0 keeps the mean square of symmetric inputs.

    The authors take that factor for their slope of 0.2.
    """
    return functional.leaky_relu(features, negative_slope) * math.sqrt(2)


def normalized(vectors: Tensor) -> Tensor:
    """Divide vectors [B, F] by the root of their mean square, each by its own, in float32."""
    vectors = at_least_float32(vectors)
    return vectors * (vectors.square().mean(dim=1, keepdim=True) + EPS).rsqrt()
