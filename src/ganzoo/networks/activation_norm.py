"""Activation normalisation (ActNorm): a scale and a shift that start from the first batch.

Kingma and Dhariwal 2018 (arXiv 1807.03039), section 3.1.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive
from ganzoo.networks.normalization import Normalization
from ganzoo.precision import at_least_float32
from ganzoo.strategies.across_devices import mean_across_devices, world_size


@defaults_from("network/normalization/activation")
class ActivationNorm(Normalization):
    """A learnt scale and shift of each feature, which start by normalising the first batch.

    Kingma and Dhariwal 2018 (arXiv 1807.03039), section 3.1, as the discriminator of VQGAN may
    have it (Esser et al. 2021, arXiv 2012.09841). After the first batch in training mode, samples
    do not depend on each other, and evaluation mode does what training does. As in the code of
    VQGAN, layers keep their biases.

    Departure: on several devices the first batch is that of all of them, so that all start alike.

    Args:
        eps: added to the deviation.
    """

    def __init__(self, *, eps: float = FROM_CONFIG) -> None:
        check_positive(eps=eps)
        self.eps = eps

    def activations(self, features: int, dimensions: int) -> nn.Module:
        """Return an `ActivationNormLayer`."""
        return ActivationNormLayer(features=features, dimensions=dimensions, eps=self.eps)


class ActivationNormLayer(nn.Module):
    """Computes ``scale * (x + shift)`` for each feature.

    Before the first batch in training mode the scale is 1 and the shift 0; with it they become
    1 / (deviation + eps) and -mean of each feature over the batch (and over H and W), where the
    deviation is that of the unbiased variance. Whether that has been is in the state dict.

    Args:
        features: F.
        dimensions: 0 for vectors [B, F], 2 for feature maps [B, F, H, W].
        eps: added to the deviation.
    """

    def __init__(self, *, features: int, dimensions: int, eps: float) -> None:
        super().__init__()
        shape = [1, features, *[1] * dimensions]
        self.shift = nn.Parameter(torch.zeros(shape))
        self.scale = nn.Parameter(torch.ones(shape))
        self.eps, self.initialized = eps, False

    def forward(self, features: Tensor) -> Tensor:
        """Map [B, F] or [B, F, H, W] to the same shape.

        Raises:
            InputError: if the first batch in training mode has a single value of each feature.
        """
        if self.training and not self.initialized:
            self._initialize(at_least_float32(features.detach()))
        return self.scale * (features + self.shift)

    @torch.no_grad()
    def _initialize(self, features: Tensor) -> None:
        axes = [0, *range(2, features.dim())]
        size, devices = features.numel() // features.shape[1], world_size()
        if size * devices < 2:
            raise InputError(
                "activation normalization starts from the deviations in the first batch, which "
                "needs 2 samples or more: set a larger dataset.batch_size"
            )
        # Means over devices, whose batches may differ in size.
        total, count = mean_across_devices(
            [features.sum(axes, keepdim=True), features.new_tensor(size)]
        )
        mean = total / count
        (squares,) = mean_across_devices([(features - mean).square().sum(axes, keepdim=True)])
        deviation = (squares / (count - 1 / devices)).sqrt()
        self.shift.copy_(-mean)
        self.scale.copy_(1 / (deviation + self.eps))
        self.initialized = True

    def get_extra_state(self) -> Tensor:
        """Whether there was a first batch, for the state dict; a buffer would be read back."""
        return torch.tensor(self.initialized)

    def set_extra_state(self, state: Any) -> None:
        """Take from a state dict whether there was a first batch."""
        self.initialized = bool(state)
