"""The weight that makes two losses pull equally at one layer.

Esser et al. (2021, arXiv:2012.09841), equation 7.
"""

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.precision import at_least_float32
from ganzoo.strategies.across_devices import mean_across_devices

# A power of two, which float16 needs for gradients of means over many pixels; it is taken out
# again, exactly, where there is room for small numbers.
_SCALE = 1024.0


def adaptive_weight(
    reconstruction_loss: Tensor,
    adversarial_loss: Tensor,
    last_layer: Tensor,
    *,
    eps: float,
    largest: float,
) -> Tensor:
    """Compare two losses by the size of their gradients by a network's last layer.

    With Euclidean norms of the gradients it is

        min(|d reconstruction_loss| / (|d adversarial_loss| + eps), largest),

    as in the authors' code (equation 7 of Esser et al. 2021, arXiv:2012.09841, has no bound). The
    losses must not have been multiplied by a gradient scaler; in mixed precision the norms are
    computed in float32. On several devices the gradients are averaged over them first, so that
    all of them must call this, and all have the weight of the whole batch.

    Args:
        reconstruction_loss: a scalar that depends on the last layer. Its graph is kept.
        adversarial_loss: another.
        last_layer: the parameter.
        eps: added to the size of the adversarial gradient.
        largest: the most that the weight can be.

    Returns:
        A scalar without gradient in float32 or better; 0 where a gradient is not finite.

    Raises:
        InputError: if a loss is no scalar, or does not depend on the last layer.
    """
    losses = {"reconstruction_loss": reconstruction_loss, "adversarial_loss": adversarial_loss}
    gradients = [_scaled_gradient(name, loss, last_layer) for name, loss in losses.items()]
    reconstruction, adversarial = (
        gradient.norm() / _SCALE for gradient in mean_across_devices(gradients)
    )
    ratio: Tensor = reconstruction / (adversarial + eps)
    return ratio.nan_to_num(0.0, 0.0, 0.0).clamp(max=largest)


def _scaled_gradient(name: str, loss: Tensor, last_layer: Tensor) -> Tensor:
    if loss.dim():
        raise InputError(f"{name} must be a scalar, not {list(loss.shape)}: take its mean")
    gradient = None
    if loss.requires_grad:
        (gradient,) = torch.autograd.grad(
            loss * _SCALE, last_layer, retain_graph=True, allow_unused=True
        )
    if gradient is None:
        raise InputError(
            f"{name} does not depend on last_layer: give the parameter of the layer that made what "
            "is compared, and call this with gradients, in training"
        )
    return at_least_float32(gradient)
