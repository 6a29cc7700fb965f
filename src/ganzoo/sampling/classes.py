"""Models whose samples have classes."""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.sampling.class_labels import read_labels
from ganzoo.sampling.class_names import class_numbers
from ganzoo.sampling.latents import LatentSampler


class ClassSampler(LatentSampler):
    """The part of a model that makes samples of the classes that are asked for.

    Attributes:
        num_classes: Number of classes, K; labels run from 0 to K - 1. None in a model of data
            without any, which then is a :class:`~ganzoo.sampling.latents.LatentSampler`.
    """

    num_classes: int | None

    @property
    def labelled(self) -> bool:  # type: ignore[override]
        """Whether training needs the classes of the data."""
        return self.num_classes is not None

    def read_labels(self, labels: Any, count: int) -> Tensor | None:
        """Classes of ``count`` samples, int64 ``[B]``, or None where the batch has none.

        Raises:
            InputError: if they are no classes of the data, or as many as the samples.
        """
        if self.num_classes is None:
            return super().read_labels(labels, count)
        if labels is None:
            return None
        classes = read_labels(labels, self.num_classes, unknown=False, look=not self.has_looked)
        check_count(classes, count)
        return classes

    def generate(
        self, network: nn.Module, latents: Tensor, labels: Tensor | None = None, **how: Any
    ) -> Tensor:
        """Data of the given classes."""
        if self.num_classes is None:
            return super().generate(network, latents, **how)
        return network(latents, required_labels(labels), **how)  # type: ignore[no-any-return]

    def choose_labels(self, labels: Any, count: int, generator: torch.Generator) -> Tensor | None:
        """The classes to sample: those given, or uniform ones.

        Raises:
            InputError: if a label is out of range, or their number is neither 1 nor ``count``.
        """
        if self.num_classes is None:
            return super().choose_labels(labels, count, generator)
        if labels is None:
            return torch.randint(self.num_classes, (count,), generator=generator)
        numbers = class_numbers(labels, self.class_names)
        classes = read_labels(numbers, self.num_classes, unknown=False, look=True)
        if len(classes) not in {1, count}:
            raise InputError(f"give one label or {count}, not {len(classes)}")
        return classes.expand(count)


def check_count(labels: Tensor, count: int) -> None:
    """Refuse labels that are not one for each sample.

    Raises:
        InputError: with both numbers.
    """
    if len(labels) != count:
        raise InputError(f"a batch has {count} samples and {len(labels)} labels")


def required_labels(labels: Tensor | None) -> Tensor:
    """The labels of a batch.

    Raises:
        InputError: if there are none.
    """
    if labels is None:
        raise InputError(
            "a conditional model needs labels: its batches must be pairs (data, labels), or "
            "dictionaries of both"
        )
    return labels
