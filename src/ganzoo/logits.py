"""The logits among a discriminator's outputs, and one for each sample."""

from typing import Any

from torch import Tensor

from ganzoo.errors import InputError, described


def logits_of(outputs: Any) -> Tensor:
    """Logits ``[B]`` from outputs ``[B]``, ``[B, 1]`` or ``[B, 1, 1, 1]``; others as they are.

    Raises:
        InputError: if the discriminator returned something else than one tensor.
    """
    if not isinstance(outputs, Tensor):
        raise InputError(
            f"the discriminator must return logits [B, ...]; what it returns is "
            f"{described(outputs)}"
        )
    single = outputs.dim() > 1 and outputs.shape[1:].numel() == 1
    return outputs.flatten() if single else outputs


def mean_logits(logits: Tensor) -> Tensor:
    """One logit a sample ``[B]`` of logits ``[B, ...]``: the mean of its map or of its heads."""
    return logits if logits.dim() == 1 else logits.flatten(start_dim=1).mean(dim=1)
