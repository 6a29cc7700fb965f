"""What a loader gives, divided among the steps of an iteration."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from ganzoo.errors import InputError, check_whole

Fields = dict[str, Any]
"""Named trees of tensors ``[B, ...]`` with one B; None stands for what is not there."""


class Minibatch:
    """The real data of one step of the players, under the names that a model gives to them.

    A model's fields are attributes: ``minibatch.real``, ``minibatch.labels``.

    Args:
        fields: Trees of tensors ``[B, ...]`` with one B, by name.
        size: B.
        remaining: Minibatches that come after it in the same iteration.

    Attributes:
        fields: As given.
        size: As given.
        remaining: As given.
    """

    def __init__(self, fields: Fields, size: int, remaining: int = 0) -> None:
        self.__dict__.update(fields)
        self.fields, self.size, self.remaining = fields, size, remaining
        self._parts: list[Minibatch] = []

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def split(self, count: int) -> list["Minibatch"]:
        """Cut it into parts that pass through the networks one after another.

        They are the same objects for all players, who may keep in them what others need.
        """
        if len(self._parts) != count:
            parts = split(self.fields, count)
            self._parts = [Minibatch(part, length(part), self.remaining) for part in parts]
        return self._parts


def minibatches(fields: Fields, count: int) -> list[Minibatch]:
    """Divide the batch of one iteration among its steps, in their order.

    Args:
        fields: Trees of tensors ``[B, ...]``, by name.
        count: Number of steps.
    """
    parts = enumerate(split(fields, count), start=1)
    return [Minibatch(part, length(part), count - index) for index, part in parts]


def split(fields: Fields, count: int) -> list[Fields]:
    """Cut tensors ``[B, ...]`` along their first axis, B at least the number of parts."""
    leaves, tree = tree_flatten(fields)
    cut = [
        leaf.tensor_split(count) if isinstance(leaf, Tensor) else [leaf] * count for leaf in leaves
    ]
    return [tree_unflatten([pieces[part] for pieces in cut], tree) for part in range(count)]


def length(fields: Fields) -> int:
    """B of trees of tensors ``[B, ...]``.

    Raises:
        InputError: if there is no tensor, or they differ in it.
    """
    sizes = set()
    for leaf in tree_flatten(fields)[0]:
        if isinstance(leaf, Tensor):
            sizes.add(len(leaf) if leaf.dim() else 0)
    if len(sizes) != 1 or 0 in sizes:
        found = ", ".join(map(str, sorted(sizes))) or "none"
        raise InputError(
            "all tensors of a batch must have one number of samples along their first axis, at "
            f"least 1; those of this batch have {found}"
        )
    return sizes.pop()


def named_fields(batch: Any) -> Fields:
    """The fields of a batch by their names in it; ``real`` and ``labels`` where it has none.

    Raises:
        InputError: if it is neither a tensor, a sequence of one or two things nor a dictionary.
    """
    if hasattr(batch, "_asdict"):
        batch = batch._asdict()
    if isinstance(batch, Mapping):
        return {str(name): value for name, value in batch.items()}
    if isinstance(batch, Tensor | np.ndarray):
        return {"real": batch}
    if isinstance(batch, Sequence) and not isinstance(batch, str) and 1 <= len(batch) <= 2:
        return dict(zip(("real", "labels"), batch, strict=False))
    raise InputError(
        "a batch must be a tensor, a pair (real, labels) or a dictionary: let read_batch of the "
        f"model name the fields of a {type(batch).__name__}"
    )


def placed(fields: Fields, dtype: torch.dtype, device: torch.device) -> Fields:
    """Bring all tensors and arrays of a tree to a device, and real numbers to a type.

    Pictures of bytes ``[B, C, H, W]`` are converted to [-1, 1]; other whole numbers stay.
    """

    def place(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biuf":
            leaf = torch.tensor(leaf)
        return as_real(leaf.to(device), dtype) if isinstance(leaf, Tensor) else leaf

    return {name: tree_map(place, value) for name, value in fields.items()}


def as_real(data: Tensor, dtype: torch.dtype) -> Tensor:
    """Real numbers in a type; pictures of bytes in [-1, 1]; other whole numbers as they are."""
    if data.dtype == torch.uint8 and data.dim() == 4:
        return data.to(torch.float32).div_(127.5).sub_(1).to(dtype)
    return data.to(dtype) if data.is_floating_point() else data


def check_enough(count: int, steps: int, parts: int) -> None:
    """Refuse a batch of fewer samples than it must serve.

    Args:
        count: Samples in the batch.
        steps: Steps that it must serve.
        parts: Micro-batches of each step.

    Raises:
        InputError: saying what to change.
    """
    check_whole(0, count=count)
    if count < steps * parts:
        raise InputError(
            f"a batch of {count} samples cannot serve {steps} discriminator steps in {parts} micro-"
            "batches each: use larger batches, fewer discriminator_steps or micro_batches, or "
            "drop_last=True in a loader whose last batch is so small"
        )
