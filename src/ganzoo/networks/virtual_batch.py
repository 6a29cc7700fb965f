"""Virtual batch normalisation: statistics of a fixed reference batch and of the sample itself.

Salimans et al. 2016 (arXiv 1606.03498), section 3.4.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.networks.normalization import Normalization
from ganzoo.precision import at_least_float32

# Of the noise that stands in for the reference batch until there is one.
SEED = 0


@defaults_from("network/normalization/virtual_batch")
class VirtualBatchNorm(Normalization):
    """Virtual batch normalisation with a learnt scale and shift.

    Unlike batch normalisation it does not tie the samples of a batch together, in training either.
    The reference batch passes through the network before each batch, and gradients flow through
    it, so that a pass costs reference_size samples more.

    The reference batch is a buffer of the network: the first samples of the first batch in
    training mode (latents with labels, if there are any, or data). Until then it is noise. Each
    process has a reference batch of its own. A game puts buffers of the players that are not at
    their turn back as they were, so that a network's reference is chosen in its own first turn.

    Departure: the paper does not say how statistics of the two are weighted; a sample counts as
    one of the reference batch and itself, reference_size + 1 in all, as in the authors' code.

    Args:
        reference_size: R, samples in the reference batch.
        eps: added to the variance.

    Raises:
        InputError: if a number is out of range; later, if the first batch in training mode is
            smaller than reference_size.
    """

    replaces_bias = True

    def __init__(self, *, reference_size: int, eps: float = FROM_CONFIG) -> None:
        check_whole(reference_size=reference_size)
        check_positive(eps=eps)
        self.reference_size, self.eps = reference_size, eps

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return a `VirtualBatchLayer`."""
        return VirtualBatchLayer(
            features=features,
            dimensions=dimensions,
            reference_size=self.reference_size,
            eps=self.eps,
        )

    def attach(self, network: nn.Module, input_shape: tuple[int, ...]) -> None:
        """Give a network that has such layers its reference batch.

        The buffers are ``reference`` [R, *input_shape] and ``reference_chosen``, a truth value.
        """
        if not _layers(network):
            return
        random = torch.Generator().manual_seed(SEED)
        noise = torch.randn(self.reference_size, *input_shape, generator=random)
        network.register_buffer("reference", noise)
        network.register_buffer("reference_chosen", torch.tensor(False))
        network.register_forward_pre_hook(_pass_reference)


class VirtualBatchLayer(nn.Module):
    """Normalises the reference batch by its own statistics, then one batch by those of both.

    With means m_r and m_x and variances v_r and v_x of a feature over the R reference samples and
    over sample x (over H and W too on maps; v_x is 0 of vectors), x is normalised by

        m = (R m_r + m_x) / (R + 1)  and  v = (R v_r + v_x) / (R + 1) + R (m_r - m_x)^2 / (R + 1)^2,

    mean and variance of all R + 1. It is called in pairs, by the network it belongs to: first on
    the reference batch, whose statistics it keeps until it is called on the batch.
    Salimans et al. 2016 (arXiv 1606.03498), section 3.4. Computed in float32 in half precision too.

    Args:
        features: F.
        dimensions: 0 for vectors [B, F], 2 for maps [B, F, H, W].
        reference_size: R.
        eps: added to the variance.
    """

    def __init__(self, *, features: int, dimensions: int, reference_size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.axes = tuple(range(2, 2 + dimensions))
        self.reference_size, self.eps = reference_size, eps
        self.kept: tuple[Tensor, Tensor] | None = None

    def forward(self, features: Tensor) -> Tensor:
        """Normalise [B, F] or [B, F, H, W], shape unchanged."""
        values = at_least_float32(features)
        if self.kept is None:
            self.kept = mean, variance = _moments(values, (0, *self.axes))
        else:
            mean, variance = self._with_sample(*self.kept, values)
            self.kept = None
        scale = self._on_axes(self.weight) * torch.rsqrt(variance + self.eps)
        output = (values - mean) * scale + self._on_axes(self.bias)
        return output.to(features.dtype)

    def _with_sample(self, mean: Tensor, variance: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        own_mean, own_variance = _moments(values, self.axes)
        own = 1 / (self.reference_size + 1)
        between = own * (1 - own) * (own_mean - mean).square()
        return mean.lerp(own_mean, own), variance.lerp(own_variance, own) + between

    def _on_axes(self, parameter: Tensor) -> Tensor:
        return parameter.view(1, -1, *[1] * len(self.axes))


def _moments(values: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    if not axes:
        return values, torch.zeros_like(values)
    return values.mean(axes, keepdim=True), values.var(axes, correction=0, keepdim=True)


def _layers(network: nn.Module) -> list[VirtualBatchLayer]:
    return [module for module in network.modules() if isinstance(module, VirtualBatchLayer)]


def _pass_reference(network: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Let each layer see the reference batch before the network's own forward."""
    for layer in _layers(network):
        layer.kept = None  # what an error in an earlier pass may have left
    reference, batch = network.get_buffer("reference"), inputs[0]
    if network.training and batch.shape[1:] == reference.shape[1:]:  # else forward will refuse it
        _choose(reference, network.get_buffer("reference_chosen"), batch)
    # A copy, since choosing writes into the buffer, which an earlier pass's backward may need.
    network.forward(reference.clone())


@torch.no_grad()
def _choose(reference: Tensor, chosen: Tensor, batch: Tensor) -> None:
    """Take the first batch's first samples; without asking an accelerator, which would wait."""
    size = len(reference)
    if len(batch) >= size:
        reference.copy_(torch.where(chosen, reference, batch[:size]))
        chosen.fill_(True)
    elif not chosen:
        raise InputError(
            f"virtual batch normalization takes its reference from the first batch, which has"
            f" {len(batch)} samples: set reference_size to {len(batch)} or less, not {size}"
        )
