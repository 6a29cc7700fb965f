"""Games whose generator and discriminator are both told the class."""

from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.logits import logits_of
from ganzoo.networks.label_codes import known_classes
from ganzoo.sampling.classes import ClassSampler, required_labels


class ClassConditional(ClassSampler):
    """The part of a model with a discriminator that tells both networks the class.

    Args:
        num_classes: Number of classes of the data, labels run from 0 to ``num_classes - 1``.
        game: Arguments of the game, whose networks are called with the labels beside data or
            latents.

    Attributes:
        needs_classes: Whether the model is for data with classes alone; others do without labels
            where ``num_classes`` is None.

    Raises:
        InputError: if the data set has no classes, or samples are packed or replayed.
    """

    needs_classes: ClassVar[bool] = False
    discriminator: nn.Module
    augmentations: nn.Sequential

    def __init__(self, *, num_classes: int | None, **game: Any) -> None:
        super().__init__(**game)
        self.num_classes = num_classes
        if self.needs_classes or num_classes is not None:
            self.num_classes = known_classes(num_classes)
            self.refuse_unlabelled()  # type: ignore[operator]

    def score(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``[B, ...]`` of data that claim to be of the given classes."""
        if self.num_classes is None:
            return super().score(data)  # type: ignore[misc,no-any-return]
        return logits_of(self.discriminator(self.augmentations(data), required_labels(labels)))
