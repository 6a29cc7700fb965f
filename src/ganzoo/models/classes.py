"""Models whose samples have classes."""

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.models.sampling import Sampler
from ganzoo.networks.label_codes import check_labels


class ClassSampler(Sampler):
    """The part of a model that makes samples of the classes that are asked for.

    Attributes:
        num_classes: Number of classes, K; labels run from 0 to K - 1.
    """

    num_classes: int

    def generate(self, network: nn.Module, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Data of the given classes."""
        return network(latents, required(labels))  # type: ignore[no-any-return]

    def choose_labels(
        self, labels: Tensor | None, count: int, generator: torch.Generator
    ) -> Tensor:
        """The classes to sample: those given, or uniform ones.

        Raises:
            InputError: if a label is out of range, or their number is neither 1 nor ``count``.
        """
        if labels is None:
            return torch.randint(self.num_classes, (count,), generator=generator)
        if len(labels) not in {1, count}:
            raise InputError(f"give one label or {count}, not {len(labels)}")
        check_labels(labels, self.num_classes)
        return labels.expand(count).long()


def required(labels: Tensor | None) -> Tensor:
    """The labels of a batch.

    Raises:
        InputError: if there are none.
    """
    if labels is None:
        raise InputError(
            "a conditional model needs labels: its batches must be pairs (data, labels)"
        )
    return labels
