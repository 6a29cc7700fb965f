"""Labels as vectors that join a network's input, and what all networks ask of labels."""

from abc import ABC, abstractmethod
from typing import cast

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole


class LabelCode(nn.Module, ABC):
    """A vector for each class.

    Attributes:
        num_classes: K.
        width: W, numbers in a vector.
    """

    num_classes: int
    width: int

    @abstractmethod
    def forward(self, labels: Tensor) -> Tensor:
        """Map labels int64 [B] to vectors [B, W].

        Raises:
            InputError: if a label is out of range (looked at on the CPU only).
        """


class OneHotLabels(LabelCode):
    """One at the class and zero elsewhere, as in Mirza and Osindero 2014 (arXiv 1411.1784).

    Args:
        num_classes: K, which is W too.

    Raises:
        InputError: if num_classes is None (data without labels) or not positive.
    """

    def __init__(self, *, num_classes: int | None) -> None:
        super().__init__()
        self.num_classes = self.width = known_classes(num_classes)

    def forward(self, labels: Tensor) -> Tensor:
        """Map labels int64 [B] to int64 [B, K]."""
        return one_hot(labels, self.num_classes)


@defaults_from("network/conditioning/embedding")
class EmbeddedLabels(LabelCode):
    """A learnt vector for each class, at first drawn from N(0, I).

    It is what a linear layer makes of one-hot labels, as in the networks of Mirza and Osindero 2014
    (arXiv 1411.1784), figure 1. Departure: theirs rectify it.

    Args:
        num_classes: K.
        embedding_dim: W.

    Raises:
        InputError: if num_classes is None (data without labels), or a number is not positive.
    """

    def __init__(self, *, num_classes: int | None, embedding_dim: int = FROM_CONFIG) -> None:
        super().__init__()
        check_whole(embedding_dim=embedding_dim)
        self.num_classes, self.width = known_classes(num_classes), embedding_dim
        self.embedding = nn.Embedding(self.num_classes, embedding_dim)

    def forward(self, labels: Tensor) -> Tensor:
        """Map labels int64 [B] to [B, W]."""
        check_labels(labels, self.num_classes)
        return cast(Tensor, self.embedding(labels))


def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """Return int64 [B, K] that is one at each label and zero elsewhere.

    Raises:
        InputError: as `check_labels`.
    """
    check_labels(labels, num_classes)
    return nn.functional.one_hot(labels, num_classes)


def check_labels(labels: Tensor, num_classes: int) -> None:
    """Refuse labels outside 0 to K - 1.

    Labels on an accelerator are not looked at here, which would make the host wait for it.

    Raises:
        InputError: naming the first label that is out of range.
    """
    if labels.device.type == "cpu" and not torch.compiler.is_compiling():
        wrong = labels[(labels < 0) | (labels >= num_classes)]
        if len(wrong):
            raise InputError(
                f"label {wrong[0].item()} is out of range:"
                f" {num_classes} classes have labels 0 to {num_classes - 1}"
            )


def known_classes(num_classes: int | None) -> int:
    """Return the number of classes K of data that have any.

    Raises:
        InputError: if num_classes is None (data without labels) or not positive.
    """
    if num_classes is None:
        raise InputError(
            "a conditional model needs a data set with classes: "
            "choose a labelled data set, or another model"
        )
    check_whole(num_classes=num_classes)
    return num_classes
