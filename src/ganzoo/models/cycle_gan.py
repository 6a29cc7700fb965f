"""CycleGAN: image to image with unpaired data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.augment.base import Augmentation, as_augmentations
from ganzoo.augment.image_pool import ImagePool
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.logits import logits_of
from ganzoo.losses.base import AdversarialLoss, LossTerms, times
from ganzoo.losses.own import as_loss
from ganzoo.networks.building import built
from ganzoo.penalties.context import Context
from ganzoo.sampling.translation import OTHER, Translator, checked_domain


@defaults_from("model/cycle_gan")
class CycleGAN(Translator):
    """CycleGAN: two translations that undo each other, and a discriminator of each domain.

    Zhu et al. (2017), "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
    Networks", equations 1 to 3 and section 5.2 (arXiv 1703.10593). The generators, one player with
    one optimizer, minimise for each domain the adversarial loss of what is translated to it, the
    mean absolute difference of its pictures and of their translation there and back
    (``cycle``), and of its pictures and of themselves translated to it (``identity``). The
    discriminators are shown earlier translations too, from a pool. As in the authors' code the
    generators step first, and the discriminators see the translations from before that step.

    Departures: each discriminator has an optimizer of its own, which makes the same steps as one
    for both (Adam acts on each number alone).

    Args:
        generator: Function that builds a network from pictures to pictures from ``shape`` and
            ``out_channels``; it is called once for each direction.
        discriminator: Function that builds a network from pictures to logits ``[B, ...]`` from
            ``shape``; it is called once for each domain.
        shape_a: ``[C, H, W]`` of the pictures of domain a.
        shape_b: ``[C', H, W]`` of the pictures of domain b.
        target: The domain that metrics, ``forward`` and predictions are of, ``"a"`` or ``"b"``.
        loss: Objective on logits.
        pool: Function that builds a pool of earlier translations from ``shape``, or None.
        discriminator_weight: Factor of the discriminators' losses, at least 0.
        adversarial_weight: Factor of the generators' adversarial losses, at least 0.
        cycle_weight: Factor of the differences there and back, at least 0.
        identity_weight: Factor of the differences of pictures and of themselves translated to
            their own domain, at least 0; 0 where the domains differ in their channels.
        augmentations: Named changes of pictures that the discriminators are shown.
        game: Arguments of :class:`~ganzoo.game.module.AdversarialModule`.

    Raises:
        InputError: if a weight is negative, or pictures of the domains cannot be exchanged.
    """

    def __init__(
        self,
        *,
        generator: Callable[..., nn.Module],
        discriminator: Callable[..., nn.Module],
        shape_a: Sequence[int],
        shape_b: Sequence[int],
        target: str = FROM_CONFIG,
        loss: AdversarialLoss = FROM_CONFIG,
        pool: Callable[..., ImagePool] | None = FROM_CONFIG,
        discriminator_weight: float = FROM_CONFIG,
        adversarial_weight: float = FROM_CONFIG,
        cycle_weight: float = FROM_CONFIG,
        identity_weight: float = FROM_CONFIG,
        augmentations: Mapping[str, Augmentation] = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_not_negative(discriminator_weight=discriminator_weight, cycle_weight=cycle_weight)
        check_not_negative(adversarial_weight=adversarial_weight, identity_weight=identity_weight)
        if identity_weight and shape_a[0] != shape_b[0]:
            raise InputError(
                f"domains with {shape_a[0]} and {shape_b[0]} channels have no identity term: set "
                "model.identity_weight=0"
            )
        for name, function in (("generator", generator), ("discriminator", discriminator)):
            if isinstance(function, nn.Module):
                raise InputError(
                    f"{name} must be a function that builds a network, since there are two: "
                    "functools.partial(SomeNetwork, setting=value)"
                )
        self.a_to_b = built("generator", generator, shape=shape_a, out_channels=shape_b[0])
        self.b_to_a = built("generator", generator, shape=shape_b, out_channels=shape_a[0])
        self.discriminator_a = built("discriminator", discriminator, shape=shape_a)
        self.discriminator_b = built("discriminator", discriminator, shape=shape_b)
        self.pool_a = nn.Identity() if pool is None else pool(shape=shape_a)
        self.pool_b = nn.Identity() if pool is None else pool(shape=shape_b)
        self.shapes = {"a": tuple(shape_a), "b": tuple(shape_b)}
        self.target = checked_domain(target)
        self.loss, self.augmentations = as_loss(loss), as_augmentations(augmentations)
        self.discriminator_weight = discriminator_weight
        self.adversarial_weight = adversarial_weight
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight

    def build_players(self) -> Sequence[Player]:
        """Both generators as one player, then the discriminator of each domain."""
        return (
            Player("generator", [self.a_to_b, self.b_to_a], self.generator_losses),
            self._discriminator("a"),
            self._discriminator("b"),
        )

    def generator_losses(self, minibatch: Minibatch) -> LossTerms:
        """What the generators minimise."""
        a, b = minibatch.a, minibatch.b
        fake_a, fake_b = self.b_to_a(b), self.a_to_b(a)
        minibatch.fields |= {"fake_a": fake_a.detach(), "fake_b": fake_b.detach()}
        terms = {
            "adversarial_a": self.adversarial_weight * self._adversarial("a", a, fake_a),
            "adversarial_b": self.adversarial_weight * self._adversarial("b", b, fake_b),
            "cycle_a": self.cycle_weight * l1_loss(self.b_to_a(fake_b), a),
            "cycle_b": self.cycle_weight * l1_loss(self.a_to_b(fake_a), b),
        }
        if self.identity_weight:
            terms["identity_a"] = self.identity_weight * l1_loss(self.b_to_a(a), a)
            terms["identity_b"] = self.identity_weight * l1_loss(self.a_to_b(b), b)
        return terms

    def discriminator_losses(self, context: Context) -> LossTerms:
        """What a discriminator minimises on pictures of its domain and on translations to it."""
        terms = self.loss.discriminator(context.real_logits, context.fake_logits)
        return times(self.discriminator_weight, terms)

    def score(self, domain: str, images: Tensor) -> Tensor:
        """What the discriminator of a domain says of pictures, as training shows them."""
        discriminator: nn.Module = getattr(self, f"discriminator_{domain}")
        return logits_of(discriminator(self.augmentations(images)))

    def translators(self) -> Mapping[str, nn.Module]:
        """One for each direction."""
        return {"a": self.b_to_a, "b": self.a_to_b}

    def _adversarial(self, domain: str, real: Tensor, fake: Tensor) -> Tensor:
        terms = self.loss.generator_against(
            self.score(domain, fake), lambda: self.score(domain, real)
        )
        return terms["adversarial"]

    def _discriminator(self, domain: str) -> Player:
        network: nn.Module = getattr(self, f"discriminator_{domain}")
        pool: nn.Module = getattr(self, f"pool_{domain}")

        def context(minibatch: Minibatch) -> Context:
            return Context(
                minibatch,
                real=minibatch.fields[domain],
                fake=lambda _: pool(self._translation(domain, minibatch)),
                outputs=lambda images: self.score(domain, images),
                discriminator=network,
            )

        return Player(
            f"discriminator_{domain}",
            network,
            self.discriminator_losses,
            role="discriminator",
            context=context,
        )

    def _translation(self, domain: str, minibatch: Minibatch) -> Tensor:
        """What the generators' step has made, before it moved them."""
        made: Tensor | None = minibatch.fields.get(f"fake_{domain}")
        source = minibatch.fields[OTHER[domain]]
        return self.translators()[domain](source) if made is None else made
