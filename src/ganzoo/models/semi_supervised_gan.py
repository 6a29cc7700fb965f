"""GAN whose discriminator also classifies, from the labels of a few samples."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ganzoo.defaults import defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.game.minibatch import Minibatch
from ganzoo.losses.base import LossTerms
from ganzoo.models.feature_matching_gan import feature_matching
from ganzoo.models.gan import GAN
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32
from ganzoo.sampling.class_labels import UNKNOWN_LABEL, read_labels
from ganzoo.sampling.classes import check_count


@defaults_from("model/semi_supervised_gan")
class SemiSupervisedGAN(GAN):
    """Semi-supervised learning: the discriminator tells K classes and generated data apart.

    Salimans et al. (2016), "Improved Techniques for Training GANs", section 5 (arXiv
    1606.03498). A classifier of K + 1 classes, of which the last is "generated" and has the logit
    0, gives data the probability ``D(x) = Z(x) / (Z(x) + 1)``, ``Z(x) = sum_k exp(l_k(x))``, of
    being real; so its adversarial logit is ``logsumexp_k l_k(x)``. The discriminator minimises
    ``-E[log p(y | x, y < K + 1)]`` over labelled data, the term ``classification``, and the
    adversarial loss, which is the paper's unsupervised loss where it is the non-saturating one
    without label smoothing. The generator minimises ``||E f(x) - E f(G(z))||^2`` (section 3.1),
    on which the paper's semi-supervised results rest.

    Labels of -1 are not known. Labelled data take part in the adversarial loss too, and so do
    they in the mean features of real data. The classification is a mean over the labelled samples
    of an update, 0 where there are none: of each device and each accumulated part by itself.

    Departures: f is the input of the discriminator's last layer; the paper leaves the layer open.
    The mean features of real data are those of the last discriminator update. The networks are
    whatever is chosen; the paper's have weight normalisation and Gaussian noise in their layers.

    Args:
        num_classes: Number of classes of the data, K; labels run from 0 to K - 1.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; the discriminator maps data to class
            logits ``[B, K]``.

    Raises:
        InputError: if the data set has no classes, samples are packed, or generated data are
            shown as real.
    """

    labelled = True

    def __init__(self, *, num_classes: int | None, **game: Any) -> None:
        super().__init__(**game)
        if num_classes is None:
            raise InputError(
                "a semi-supervised model needs a data set with classes: "
                "choose a labelled data set, or another model"
            )
        check_whole(2, num_classes=num_classes)
        self.refuse_packs()
        if any(hasattr(part, "shown_as_real") for part in self.augmentations.modules()):
            raise InputError(
                "generated data, whose classes nobody knows, cannot be shown as real where real "
                "data are classified: leave augment=apa out"
            )
        self.classes = num_classes  # what samples classes has num_classes

    def read_labels(self, labels: Any, count: int) -> Tensor | None:
        """Classes of ``count`` samples, int64 ``[B]``, -1 where they are not known."""
        if labels is None:
            return None
        classes = read_labels(labels, self.classes, unknown=True, look=not self.has_looked)
        check_count(classes, count)
        return classes

    def context(self, minibatch: Minibatch, **other: Any) -> Context:
        """With class logits as the discriminator's outputs."""
        return super().context(minibatch, outputs=self.outputs, logits=logit_of_real, **other)

    def score(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``[B]`` of being real."""
        return logit_of_real(self.outputs(data))

    def outputs(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Class logits ``[B, K]`` of data as training shows them."""
        return self.classify(self.augmentations(data))

    def classify(self, data: Tensor) -> Tensor:
        """Class logits ``[B, K]`` of data as they are, in float32 or better.

        Raises:
            InputError: if the discriminator's outputs are of another shape.
        """
        logits: Tensor = self.discriminator(data)
        if logits.shape != (len(data), self.classes):
            raise InputError(
                f"the discriminator must return class logits [B, {self.classes}], not "
                f"{list(logits.shape)}: set network.discriminator.outputs={self.classes}"
            )
        return at_least_float32(logits)

    def discriminator_losses(self, context: Context) -> LossTerms:
        """The adversarial loss, and the cross-entropy of the labelled data."""
        terms = super().discriminator_losses(context)
        return terms | {"classification": classification(context.real_outputs, context.labels)}

    def generator_losses(self, context: Context) -> LossTerms:
        """The squared distance of the mean features of real and of generated data."""
        return {"feature_matching": feature_matching(context)}


def logit_of_real(outputs: Tensor) -> Tensor:
    """Logits ``[B]`` of being real: logsumexp of class logits ``[B, K]``."""
    return torch.logsumexp(outputs, dim=1)


def classification(logits: Tensor, labels: Tensor | None) -> Tensor:
    """The mean cross-entropy of the samples whose labels are known.

    Args:
        logits: Class logits ``[B, K]``.
        labels: Classes ``[B]``, -1 where they are not known.

    Returns:
        A scalar in nats; 0 with a gradient of 0 where no label is known.

    Raises:
        InputError: if there are no labels at all.
    """
    if labels is None:
        raise InputError(
            "a semi-supervised model needs labels: its batches must be pairs (data, labels), "
            "with labels of -1 where they are not known"
        )
    known = (labels != UNKNOWN_LABEL).sum().clamp(min=1)
    return cross_entropy(logits, labels, ignore_index=UNKNOWN_LABEL, reduction="sum") / known
