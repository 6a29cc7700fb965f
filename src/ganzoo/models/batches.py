"""What a dataloader gives, and whether the networks fit it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
    check_data(data)
    rows = 2 * packing
    real, marks = data[:rows], None if labels is None else labels[:rows]
    with looking(model):
        check_made(tried("generator", real, lambda: generate(real, marks)), real)
        logits = tried("discriminator", real, lambda: discriminate(real, marks))
    if logits.shape != (len(real) // packing,):
        raise InputError(
            "the discriminator must return logits of shape [B], "
            f"not {list(logits.shape)} for a batch of {len(real)}"
        )


def check_data(data: Tensor) -> None:
    """Refuse data that is not finite floating point.

    Raises:
        InputError: saying which it is.
    """
    if not data.is_floating_point():
        raise InputError(f"data must be floating point, images in [-1, 1], not {data.dtype}")
    if not torch.isfinite(data).all():
        raise InputError("the data holds values that are not finite")


def check_made(made: Tensor, data: Tensor) -> None:
    """Refuse a generator whose samples have another shape than the data.

    Raises:
        InputError: naming both shapes.
    """
    if made.shape[1:] != data.shape[1:]:
        raise InputError(
            f"the generator makes data of shape {list(made.shape[1:])}, the data set has "
            f"{list(data.shape[1:])}: choose a network made for this data set"
        )


@contextmanager
def looking(model: nn.Module) -> Iterator[None]:
    """Run networks of a model in evaluation mode, without gradients; modes are put back."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


def tried(name: str, data: Tensor, run: Callable[[], Tensor]) -> Tensor:
    """What a network makes of data ``[B, ...]``, or whose fault it is that it cannot.

    Raises:
        InputError: naming the network, the data's shape, and what torch says.
    """
    try:
        return run()
    except InputError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        reason, shape = str(error).splitlines()[0], list(data.shape[1:])
        raise InputError(f"the {name} does not fit data of shape {shape}: {reason}") from error
