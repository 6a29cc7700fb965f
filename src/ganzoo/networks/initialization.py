"""The choice of the weights a network starts from.

An initialisation is called on a network (or a part of one) and draws every weight of it anew from
torch's global random state. Biases and the shifts of normalisations become zero.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrize import is_parametrized

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_positive
from ganzoo.networks.virtual_batch import VirtualBatchLayer

# torch takes as many steps when it wraps a layer; they must be taken again for new weights.
POWER_ITERATIONS = 15
NORMALIZATIONS = _NormBase | nn.GroupNorm | nn.LayerNorm | VirtualBatchLayer


class Initialization(ABC):
    """Draws the weights of the linear and convolution layers of a network."""

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> None:
        """Draw the weights of all layers of the network in place."""
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                values = self.weight(module.weight.shape, *fans(module))
                _set_weight(module, values.to(module.weight))
                _zero(module.bias)
            elif isinstance(module, NORMALIZATIONS):
                _zero(module.bias)
                if module.weight is not None:
                    nn.init.ones_(module.weight).add_(self.scale_noise(module.weight.shape))

    @abstractmethod
    def weight(self, shape: torch.Size, fan_in: float, fan_out: float) -> Tensor:
        """Draw the weight of a layer with the given fans (see `fans`)."""

    def scale_noise(self, shape: torch.Size) -> Tensor:
        """Draw what is added to the scales of a normalisation, which start from one."""
        return torch.zeros(shape)


@defaults_from("network/dcgan")
class NormalInitialization(Initialization):
    """Normal with mean zero and one deviation for all layers.

    DCGAN (Radford et al. 2015, arXiv 1511.06434, section 4) takes 0.02; its code also draws the
    scales of the normalisations from N(1, deviation), and so does this.
    """

    def __init__(self, *, deviation: float = FROM_CONFIG) -> None:
        check_positive(deviation=deviation)
        self.deviation = deviation

    def weight(self, shape: torch.Size, fan_in: float, fan_out: float) -> Tensor:
        """Draw from N(0, deviation^2)."""
        return torch.randn(shape) * self.deviation

    def scale_noise(self, shape: torch.Size) -> Tensor:
        """Draw from N(0, deviation^2)."""
        return torch.randn(shape) * self.deviation


@defaults_from("network/resnet")
class XavierUniform(Initialization):
    """Uniform with variance gain^2 * 2 / (fan_in + fan_out).

    Glorot and Bengio 2010, equation 16. SNGAN's code (arXiv 1802.05957) and WGAN-GP's (arXiv
    1704.00028) take gain sqrt(2) in residual branches and 1 elsewhere.
    """

    def __init__(self, *, gain: float = FROM_CONFIG) -> None:
        check_positive(gain=gain)
        self.gain = gain

    def weight(self, shape: torch.Size, fan_in: float, fan_out: float) -> Tensor:
        """Draw from the uniform distribution on [-bound, bound]."""
        return _uniform(shape, self.gain * math.sqrt(2 / (fan_in + fan_out)))


@defaults_from()
class HeNormal(Initialization):
    """Normal with variance 2 / ((1 + negative_slope^2) * fan_in).

    He et al. 2015, arXiv 1502.01852, equation 15: outputs keep the scale of the inputs through
    layers followed by LeakyReLU of that slope (0 is ReLU).
    """

    def __init__(self, *, negative_slope: float = FROM_CONFIG) -> None:
        check_not_negative(negative_slope=negative_slope)
        self.gain = math.sqrt(2 / (1 + negative_slope**2))

    def weight(self, shape: torch.Size, fan_in: float, fan_out: float) -> Tensor:
        """Draw from N(0, gain^2 / fan_in)."""
        return torch.randn(shape) * (self.gain / math.sqrt(fan_in))


@defaults_from("network/mlp")
class HeUniform(HeNormal):
    """Uniform with the variance of `HeNormal`, as in WGAN-GP's code for networks without skips."""

    def weight(self, shape: torch.Size, fan_in: float, fan_out: float) -> Tensor:
        """Draw from the uniform distribution on [-bound, bound]."""
        return _uniform(shape, self.gain / math.sqrt(fan_in))


def fans(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> tuple[float, float]:
    """Return how many inputs each output sums (fan_in) and how many outputs each input feeds.

    Unlike torch's, these count the stride, and are not exchanged for transposed convolutions.
    """
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    kernel, stride = math.prod(layer.kernel_size), math.prod(layer.stride)
    fan_in = layer.in_channels * kernel / layer.groups
    fan_out = layer.out_channels * kernel / layer.groups
    if isinstance(layer, nn.ConvTranspose2d):
        return fan_in / stride, fan_out
    return fan_in, fan_out / stride


def _uniform(shape: torch.Size, deviation: float) -> Tensor:
    return (2 * torch.rand(shape) - 1) * (deviation * math.sqrt(3))


def _set_weight(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, values: Tensor) -> None:
    if not is_parametrized(layer, "weight"):
        layer.weight.copy_(values)
        return
    layer.weight = values  # torch hands it to the parametrisation
    for _ in range(POWER_ITERATIONS):
        layer.weight  # noqa: B018  # reading it is what takes a step of the power method


def _zero(bias: Tensor | None) -> None:
    if bias is not None:
        nn.init.zeros_(bias)
