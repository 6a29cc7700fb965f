"""Conditional GAN."""

from typing import Any, ClassVar

from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.logits import logits_of
from ganzoo.models.gan import GAN
from ganzoo.networks.label_codes import known_classes
from ganzoo.sampling.classes import ClassSampler, required_labels


@defaults_from("model/conditional_gan")
class ConditionalGAN(ClassSampler, GAN):
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

    Attributes:
        needs_classes: Whether the model is for data with classes alone; others do without labels
            where ``num_classes`` is None.

    Raises:
        InputError: if the data set has no classes, or samples are packed or replayed.
    """

    needs_classes: ClassVar[bool] = True

    def __init__(self, *, num_classes: int | None, **game: Any) -> None:
        super().__init__(**game)
        self.num_classes = num_classes
        if self.needs_classes or num_classes is not None:
            self.num_classes = known_classes(num_classes)
            self.refuse_unlabelled()

    def score(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``[B, ...]`` of data that claim to be of the given classes."""
        if self.num_classes is None:
            return super().score(data)
        return logits_of(self.discriminator(self.augmentations(data), required_labels(labels)))
