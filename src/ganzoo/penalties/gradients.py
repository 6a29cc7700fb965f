"""Gradients of a discriminator by its input, ready to be differentiated once more."""

import torch
from torch import Tensor

from ganzoo.penalties.base import Discriminator


def input_gradients(discriminator: Discriminator, data: Tensor) -> Tensor:
    """Differentiate each sample's logit by that sample, keeping the graph.

    The logits are summed before they are differentiated, which gives each sample its own
    gradient as long as no logit depends on another sample. Batch normalisation in the
    discriminator breaks this; layer, instance and spectral normalisation do not.

    Args:
        discriminator: data ``[B, ...]`` to logits ``[B]``.
        data: the points ``[B, ...]`` at which to differentiate.

    Returns:
        Gradients ``[B, N]`` with all axes but the first in one; zeros if the logits do not depend
        on the data.
    """
    points = data.detach().requires_grad_()
    logits = discriminator(points)
    if not logits.requires_grad:
        return torch.zeros_like(data).flatten(start_dim=1)
    (gradients,) = torch.autograd.grad(
        logits.sum(), points, create_graph=True, allow_unused=True, materialize_grads=True
    )
    return gradients.flatten(start_dim=1)


def gradient_norms(discriminator: Discriminator, data: Tensor) -> Tensor:
    """Take the Euclidean norm ``[B]`` of each sample's gradient.

    The derivative of the norm at a gradient of zero is taken to be zero, so a flat discriminator
    has finite gradients.
    """
    norms: Tensor = torch.linalg.vector_norm(input_gradients(discriminator, data), dim=1)
    return norms
