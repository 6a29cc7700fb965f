"""Pictures with labels, for training a classifier and for testing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.metrics.progress import with_progress

# Pictures read from one drawing of the progress to the next.
_AT_ONCE = 500


class LabelledSource(Protocol):
    """What is asked of a data set; the library's own ``Collection`` is one.

    Attributes:
        shape: Of one picture, ``[C, H, W]``.
        num_classes: K, known after ``setup``; None without labels.
    """

    num_classes: int | None

    @property
    def shape(self) -> Sequence[int]:
        """Of one picture."""

    @property
    def size(self) -> int | None:
        """Number of pictures, known after ``setup``."""

    def prepare(self) -> None:
        """Download what is missing."""

    def setup(self, *, memory_limit: int) -> None:
        """Find the pictures; keep at most so many bytes of them."""

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return uint8 pictures ``[B, C, H, W]`` and int64 labels ``[B]`` of indices ``[B]``."""

    def held_out(self) -> Any:
        """Return another source whose pictures are not in this one, or None."""


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures for training and others for testing.

    Attributes:
        pictures: For training, uint8 ``[N, C, H, W]``.
        labels: int64 ``[N]``.
        test_pictures: uint8 ``[M, C, H, W]``.
        test_labels: int64 ``[M]``.
        num_classes: K.
        origin: Where the pictures for testing come from, in words.
    """

    pictures: Tensor
    labels: Tensor
    test_pictures: Tensor
    test_labels: Tensor
    num_classes: int
    origin: str


def read_pictures(source: LabelledSource, *, limit: int, seed: int) -> LabelledPictures:
    """Read a source's pictures and its held-out ones, or keep a tenth for testing.

    Args:
        source: Not yet set up, or set up already.
        limit: The most pictures for training, and for testing.
        seed: Chooses them, where there are more, and the tenth.

    Raises:
        InputError: if there are no labels, fewer than 2 pictures, or other classes held out.
    """
    pictures, labels = _read(source, limit, seed)
    num_classes = source.num_classes
    if labels is None or num_classes is None:
        raise InputError(
            f"{type(source).__name__} has no labels to train a classifier with: choose features "
            "of another network, such as metrics.features=inception"
        )
    if len(pictures) < 2:
        raise InputError(f"a classifier needs at least 2 pictures, got {len(pictures)}")
    apart = source.held_out()
    if apart is not None:
        test_pictures, test_labels = _read(apart, limit, seed)
        if test_labels is not None:
            _check_classes(apart, num_classes)
            return LabelledPictures(
                pictures, labels, test_pictures, test_labels, num_classes, "held out"
            )
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))
    test, train = order.tensor_split([-(-len(pictures) // 10)])
    return LabelledPictures(
        pictures[train],
        labels[train],
        pictures[test],
        labels[test],
        num_classes,
        "a tenth of the pictures, left out of training",
    )


def _read(source: LabelledSource, limit: int, seed: int) -> tuple[Tensor, Tensor | None]:
    source.prepare()
    source.setup(memory_limit=0)  # the pictures are read only once
    size = source.size
    assert size is not None
    chosen = torch.arange(size)
    if size > limit:
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(size, generator=generator)[:limit].sort().values
    return _gather(source, chosen)


def _gather(source: LabelledSource, chosen: Tensor) -> tuple[Tensor, Tensor | None]:
    """Read the chosen pictures, which takes long where each is a file."""
    parts = torch.split(chosen, _AT_ONCE)
    work = f"reading {len(chosen):,} pictures for a classifier"
    found = [source.gather(part) for part in with_progress(parts, count=len(parts), work=work)]
    labels = [some for _, some in found if some is not None]
    pictures = torch.cat([some for some, _ in found])
    return pictures, torch.cat(labels) if labels else None


def _check_classes(source: LabelledSource, num_classes: int) -> None:
    if source.num_classes != num_classes:
        raise InputError(
            f"the held-out pictures have {source.num_classes} classes, those for training "
            f"{num_classes}: both must have the same"
        )
