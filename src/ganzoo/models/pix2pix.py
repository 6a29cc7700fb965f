"""pix2pix: image to image with paired data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.augment.base import Augmentation, as_augmentations
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.logits import logits_of
from ganzoo.losses.base import AdversarialLoss, LossTerms, times
from ganzoo.losses.own import as_loss
from ganzoo.networks.building import built
from ganzoo.penalties.context import Context
from ganzoo.sampling.translation import OTHER, Translator, checked_domain


@defaults_from("model/pix2pix")
class Pix2Pix(Translator):
    """pix2pix: a discriminator judges pictures together with their translations.

    Isola et al. (2017), "Image-to-Image Translation with Conditional Adversarial Networks",
    equations 1 to 4 (arXiv 1611.07004): the discriminator tells pairs (x, y) of data from pairs
    (x, G(x)), and the generator minimises its adversarial loss plus ``reconstruction_weight``
    times the mean absolute difference of G(x) and y. The discriminator's loss is halved (section
    3.3). There are no latents: the noise is dropout, in training and in use.

    Departures: each player's step draws its own dropout, where the authors' code makes one
    translation for both; dropout is off in evaluation mode, where the authors keep it on.

    Args:
        generator: Network from pictures ``[B, C, H, W]`` to pictures, or a function that builds it
            from ``shape`` and ``out_channels``.
        discriminator: Network from pairs ``[B, C + C', H, W]`` to logits ``[B, ...]``, or a
            function that builds it from ``shape``.
        shape_a: ``[C, H, W]`` of the pictures of domain a.
        shape_b: ``[C', H, W]`` of the pictures of domain b.
        target: The domain that is generated, ``"a"`` or ``"b"``.
        loss: Objective of both players on logits.
        discriminator_weight: Factor of the discriminator's loss, at least 0.
        adversarial_weight: Factor of the generator's adversarial loss, at least 0.
        reconstruction_weight: Factor of the mean absolute difference, at least 0.
        augmentations: Named changes of pairs that the discriminator is shown, one draw a pair.
        game: Arguments of :class:`~ganzoo.game.module.AdversarialModule`.

    Raises:
        InputError: if a weight is negative, or there is no such domain.
    """

    def __init__(
        self,
        *,
        generator: nn.Module | Callable[..., nn.Module],
        discriminator: nn.Module | Callable[..., nn.Module],
        shape_a: Sequence[int],
        shape_b: Sequence[int],
        target: str = FROM_CONFIG,
        loss: AdversarialLoss = FROM_CONFIG,
        discriminator_weight: float = FROM_CONFIG,
        adversarial_weight: float = FROM_CONFIG,
        reconstruction_weight: float = FROM_CONFIG,
        augmentations: Mapping[str, Augmentation] = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_not_negative(discriminator_weight=discriminator_weight)
        check_not_negative(adversarial_weight=adversarial_weight)
        check_not_negative(reconstruction_weight=reconstruction_weight)
        self.target = checked_domain(target)
        self.shapes = {"a": tuple(shape_a), "b": tuple(shape_b)}
        given, wanted = self.shapes[OTHER[target]], self.shapes[target]
        pair = [given[0] + wanted[0], *wanted[1:]]
        self.generator = built("generator", generator, shape=given, out_channels=wanted[0])
        self.discriminator = built("discriminator", discriminator, shape=pair)
        self.loss, self.augmentations = as_loss(loss), as_augmentations(augmentations)
        self.discriminator_weight = discriminator_weight
        self.adversarial_weight = adversarial_weight
        self.reconstruction_weight = reconstruction_weight

    def build_players(self) -> Sequence[Player]:
        """The discriminator, then the generator."""
        return (
            Player(
                "discriminator",
                self.discriminator,
                self.discriminator_losses,
                role="discriminator",
                context=self.context,
            ),
            Player("generator", self.generator, self.generator_losses, context=self.context),
        )

    def discriminator_losses(self, context: Context) -> LossTerms:
        """What the discriminator minimises on pairs of data and of translations."""
        terms = self.loss.discriminator(context.real_logits, context.fake_logits)
        return times(self.discriminator_weight, terms)

    def generator_losses(self, context: "Pairs") -> LossTerms:
        """What the generator minimises: its adversarial loss, and the difference to the data."""
        adversarial = self.loss.generator_against(context.fake_logits, lambda: context.real_logits)
        difference = l1_loss(context.translation, context.minibatch.fields[self.target])
        return times(self.adversarial_weight, adversarial) | {
            "reconstruction": self.reconstruction_weight * difference
        }

    def context(self, minibatch: Minibatch) -> "Pairs":
        """Pairs of data, and of data and their translations."""
        return Pairs(self, minibatch)

    def score(self, pairs: Tensor) -> Tensor:
        """Logits of pairs ``[B, C + C', H, W]`` as training shows them."""
        return logits_of(self.discriminator(self.augmentations(pairs)))

    def translators(self) -> Mapping[str, nn.Module]:
        """The generator."""
        return {self.target: self.generator}


class Pairs(Context):
    """Pictures with their targets, and with what is generated of them.

    Args:
        model: Whose step it is.
        minibatch: Its real data.

    Attributes:
        translation: What is generated ``[B, C', H, W]``.
    """

    translation: Tensor

    def __init__(self, model: Pix2Pix, minibatch: Minibatch) -> None:
        source, target = minibatch.fields[OTHER[model.target]], minibatch.fields[model.target]
        super().__init__(
            minibatch,
            real=torch.cat([source, target], dim=1),
            fake=lambda _: self._generated(model.generator, source),
            outputs=model.score,
            discriminator=model.discriminator,
        )

    def _generated(self, generator: nn.Module, source: Tensor) -> Tensor:
        self.translation = generator(source)
        return torch.cat([source, self.translation], dim=1)
