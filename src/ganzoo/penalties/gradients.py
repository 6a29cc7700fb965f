"""Gradients of a discriminator by its input, ready to be differentiated once more."""

import torch
from torch import Tensor

from ganzoo.penalties.context import Score, differentiate


def input_gradients(score: Score, data: Tensor) -> Tensor:
    """Differentiate each sample's logits by that sample, keeping the graph.

    What is true of :meth:`~ganzoo.penalties.context.Context.input_gradients` is true here.

    Args:
        score: Data ``[B, ...]`` to logits ``[B, ...]``.
        data: The points ``[B, ...]`` at which to differentiate.

    Returns:
        Gradients ``[B, N]`` with all axes but the first in one; zeros if the logits do not depend
        on the data.
    """
    points = data.detach().requires_grad_()
    return differentiate(score(points), points)


def gradient_norms(score: Score, data: Tensor) -> Tensor:
    """Take the Euclidean norm ``[B]`` of each sample's gradient.

    The derivative of the norm at a gradient of zero is taken to be zero, so a flat discriminator
    has finite gradients.
    """
    norms: Tensor = torch.linalg.vector_norm(input_gradients(score, data), dim=1)
    return norms
