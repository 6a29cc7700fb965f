"""Auxiliary classifier GAN."""

from typing import Any

from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative
from ganzoo.game.minibatch import Minibatch
from ganzoo.losses.base import LossTerms
from ganzoo.models.gan import GAN
from ganzoo.networks.label_codes import known_classes
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32
from ganzoo.sampling.classes import ClassSampler, required


@defaults_from("model/acgan")
class ACGAN(ClassSampler, GAN):
    """AC-GAN: the generator is told the class, and the discriminator has to find it out.

    Odena, Olah and Shlens (2017), "Conditional Image Synthesis with Auxiliary Classifier GANs",
    equations 2 and 3 (arXiv 1610.09585). The discriminator says whether data are real and of
    which class they are. It maximises L_S + L_C, the log-likelihoods of the right source and of
    the right class of real and of generated data, and the generator maximises L_C - L_S.

    The term ``classification`` is the cross-entropy -L_C in nats times its weight: of real and
    generated data for the discriminator, of generated data for the generator.

    Departures: the source is judged by whatever ``loss`` says, where the paper has the minimax
    game; classes are those of the real batch, as in :class:`ConditionalGAN`, where the paper
    draws them uniformly.

    Args:
        num_classes: Number of classes of the data, K; labels run from 0 to K - 1.
        classification_weight: Factor of the classification, at least 0; 1 in the paper.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; the generator is called with latents
            and labels, the discriminator maps data to ``[B, 1 + K]``: a logit of being real,
            then class logits.

    Raises:
        InputError: if the data set has no classes, or samples are packed or replayed.
    """

    num_classes: int

    def __init__(
        self, *, num_classes: int | None, classification_weight: float = FROM_CONFIG, **game: Any
    ) -> None:
        super().__init__(**game)
        check_not_negative(classification_weight=classification_weight)
        self.num_classes = known_classes(num_classes)
        self.classification_weight = classification_weight
        self.refuse_unlabelled()

    def context(self, minibatch: Minibatch, **other: Any) -> Context:
        """With outputs of which the first is the logit of being real."""
        return super().context(minibatch, outputs=self.outputs, logits=first, **other)

    def score(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``[B]`` of being real, whatever the class."""
        return first(self.outputs(data))

    def outputs(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """A logit of being real, then class logits ``[B, 1 + K]``, in float32 or better.

        Raises:
            InputError: if the discriminator's outputs are of another shape.
        """
        outputs: Tensor = self.discriminator(self.augmentations(data))
        width = 1 + self.num_classes
        if outputs.shape != (len(data), width):
            raise InputError(
                f"the discriminator must return a logit and class logits [B, {width}], not "
                f"{list(outputs.shape)}: set network.discriminator.outputs={width}"
            )
        return at_least_float32(outputs)

    def discriminator_losses(self, context: Context) -> LossTerms:
        """The adversarial loss, and the classification of real and generated data."""
        terms = super().discriminator_losses(context)
        labels = required(context.labels)
        of_real = cross_entropy(context.real_outputs[:, 1:], labels)
        of_fake = cross_entropy(context.fake_outputs[:, 1:], labels)
        return terms | {"classification": self.classification_weight * (of_real + of_fake)}

    def generator_losses(self, context: Context) -> LossTerms:
        """The adversarial loss, and the classification of generated data."""
        terms = super().generator_losses(context)
        of_fake = cross_entropy(context.fake_outputs[:, 1:], required(context.labels))
        return terms | {"classification": self.classification_weight * of_fake}


def first(outputs: Tensor) -> Tensor:
    """The first of outputs ``[B, 1 + K]``: logits ``[B]``."""
    return outputs[:, 0]
