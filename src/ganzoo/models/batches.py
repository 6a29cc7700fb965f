"""What a dataloader gives, and whether the networks fit it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError

Judge = Callable[[Tensor, Tensor | None], Tensor]
"""A function of data ``[B, ...]`` and labels ``[B]`` or None."""


def unpack(batch: Any, shares: int, splits: int) -> tuple[Tensor, Tensor | None]:
    """Take the data and, where there are any, the labels out of a batch.

    Args:
        batch: A tensor ``[B, ...]``, or a sequence of it and perhaps labels ``[B]``.
        shares: Number of updates that the batch must serve.
        splits: Number of parts in which each update takes its data.

    Raises:
        InputError: if the batch is of another kind, or holds fewer samples than updates.
    """
    parts = batch if isinstance(batch, Sequence) else [batch]
    data, labels = parts[0] if parts else None, parts[1] if len(parts) > 1 else None
    if not isinstance(data, Tensor) or not (labels is None or isinstance(labels, Tensor)):
        raise InputError(
            "a batch must be a tensor or a pair (data, labels) of tensors, "
            f"not {type(batch).__name__} of {[type(part).__name__ for part in parts]}"
        )
    if len(data) < shares * splits:
        raise InputError(
            f"a batch of {len(data)} samples cannot serve {shares} discriminator steps in {splits} "
            "parts each: use a larger batch, or fewer discriminator_steps or accumulation_steps"
        )
    return data, labels


def check_labels(labels: Tensor, num_classes: int) -> None:
    """Refuse labels outside 0 to ``num_classes - 1``.

    Raises:
        InputError: naming the first label that is out of range.
    """
    outside = labels[(labels < 0) | (labels >= num_classes)]
    if len(outside):
        raise InputError(
            f"label {outside[0].item()} is out of range: the classes are 0 to {num_classes - 1}"
        )


@torch.no_grad()
def check_networks_fit(
    model: nn.Module,
    generate: Judge,
    discriminate: Judge,
    data: Tensor,
    labels: Tensor | None,
    packing: int,
) -> None:
    """Refuse networks that do not fit the data before the first update.

    Both networks run once in evaluation mode on two packs, so that nothing changes.

    Args:
        model: The game that holds the networks.
        generate: From real data and labels to as many fakes.
        discriminate: From data and labels to logits, one for each pack.
        data: Real samples ``[B, ...]``.
        labels: Their classes ``[B]``, or None.
        packing: Samples that the discriminator judges at once.

    Raises:
        InputError: if the data is not finite floating point, the discriminator does not take it
            or does not return logits ``[B]``, or the generator makes data of another shape.
    """
    if not data.is_floating_point():
        raise InputError(f"data must be floating point, images in [-1, 1], not {data.dtype}")
    if not torch.isfinite(data).all():
        raise InputError("the data holds values that are not finite")
    rows, shape = 2 * packing, list(data.shape[1:])
    real, marks = data[:rows], None if labels is None else labels[:rows]
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        made = list(_tried("generator", shape, generate, real, marks).shape[1:])
        if made != shape:
            raise InputError(
                f"the generator makes data of shape {made}, the data set has {shape}: "
                "choose a network made for this data set"
            )
        logits = _tried("discriminator", shape, discriminate, real, marks)
    finally:
        for module, training in modes.items():
            module.training = training
    if logits.shape != (len(real) // packing,):
        raise InputError(
            "the discriminator must return logits of shape [B], "
            f"not {list(logits.shape)} for a batch of {len(real)}"
        )


def _tried(
    name: str, shape: list[int], network: Judge, real: Tensor, labels: Tensor | None
) -> Tensor:
    try:
        return network(real, labels)
    except InputError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"the {name} does not fit data of shape {shape}: {reason}") from error
