"""Conditional GAN."""

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_positive
from ganzoo.models.batches import check_labels
from ganzoo.models.gan import GAN


class ConditionalGAN(GAN):
    """Conditional GAN: both networks are told the class.

    Mirza and Osindero (2014), "Conditional Generative Adversarial Nets", equation 2 (arXiv
    1411.1784): min_G max_D E[log D(x | y)] + E[log(1 - D(G(z | y) | y))]. How a network takes
    the label is the network's own business, see :mod:`ganzoo.networks.conditional`.

    Departures: the generator is trained with the labels of the real batch, so that both see the
    data's class frequencies; the paper leaves their distribution open.

    Args:
        num_classes: Number of classes of the data, labels run from 0 to ``num_classes - 1``.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; both networks are called with the
            data (or latents) and the labels.

    Raises:
        InputError: if the data set has no classes, or samples are packed or replayed.
    """

    def __init__(self, *, num_classes: int | None, **game: Any) -> None:
        super().__init__(**game)
        if num_classes is None:
            raise InputError(
                "a conditional model needs a data set with classes: "
                "choose a labelled data set, or another model"
            )
        check_positive(num_classes=num_classes)
        self.presentation.refuse_labels()
        self.num_classes = num_classes

    def generate(self, network: nn.Module, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Data of the given classes."""
        return network(latents, self._required(labels))  # type: ignore[no-any-return]

    def discriminate(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``[B]`` of data that claims to be of the given classes."""
        return self.discriminator(data, self._required(labels))  # type: ignore[no-any-return]

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

    def _required(self, labels: Tensor | None) -> Tensor:
        if labels is None:
            raise InputError(
                "a conditional model needs labels: its batches must be pairs (data, labels)"
            )
        return labels
