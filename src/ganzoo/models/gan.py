"""Generative adversarial networks: the game of two players."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.augment.base import Augmentation, as_augmentations
from ganzoo.augment.packing import Packing, check_packs
from ganzoo.augment.replay import ReplayBuffer
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.game.evaluating import evaluating
from ganzoo.game.minibatch import Fields, Minibatch
from ganzoo.game.own_parts import check_kind
from ganzoo.game.player import Player
from ganzoo.logits import logits_of
from ganzoo.losses.base import AdversarialLoss, LossTerms
from ganzoo.losses.own import as_loss
from ganzoo.penalties.context import Context
from ganzoo.sampling.first_batch import LARGER, check_networks_fit
from ganzoo.sampling.latents import LatentSampler
from ganzoo.sampling.probabilities import ProbabilityWatch


@defaults_from("model/gan")
class GAN(LatentSampler):
    """Generative adversarial networks: two players, alternating updates.

    Goodfellow et al. (2014), "Generative Adversarial Nets", Algorithm 1 (arXiv 1406.2661). In
    each iteration the discriminator makes ``discriminator_steps`` steps, each on fresh real
    data and fresh latents, then the generator makes one on fresh latents.

    Departures: the objective is whatever ``loss`` says (the paper trains with the non-saturating
    one), any optimizer takes the place of gradient ascent, penalties may be added, and another
    update rule than taking turns may be chosen.

    A variant overrides ``discriminator_losses`` or ``generator_losses``, what the discriminator is
    shown (``context``), or how networks are called (``generate`` and ``score``).
    More players are more entries in ``build_players``.

    Args:
        discriminator: Network from data to logits ``[B]`` or ``[B, ...]``.
        loss: Objective of both players on the discriminator's logits, or any object with its two
            methods (:func:`~ganzoo.losses.own.as_loss`).
        augmentations: Named changes of real and generated data that the discriminator is shown.
        replay: Pool of earlier generated samples for the discriminator's steps, or None.
        packing: Samples judged at once, at least 1, see :class:`~ganzoo.augment.packing.Packing`.
        discriminator_steps: Discriminator steps for each generator step, at least 1.
        game: Arguments of :class:`~ganzoo.sampling.latents.LatentSampler` and
            :class:`~ganzoo.game.module.AdversarialModule`.

    Raises:
        InputError: if one of the numbers is out of range, a part is of another kind, or a player
            has no optimizer.
    """

    def __init__(
        self,
        *,
        discriminator: nn.Module,
        loss: AdversarialLoss = FROM_CONFIG,
        augmentations: Mapping[str, Augmentation] = FROM_CONFIG,
        replay: ReplayBuffer | None = FROM_CONFIG,
        packing: int = FROM_CONFIG,
        discriminator_steps: int = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_whole(discriminator_steps=discriminator_steps, packing=packing)
        check_kind("discriminator", discriminator, nn.Module, "a torch.nn.Module")
        self.discriminator = discriminator
        self.loss = as_loss(loss)
        self.augmentations = as_augmentations(augmentations)
        self.pack = Packing(packing) if packing > 1 else nn.Identity()
        self.replay = replay
        self.packing = int(packing)
        self.discriminator_steps = int(discriminator_steps)
        self._watch: ProbabilityWatch | None = None

    def build_players(self) -> Sequence[Player]:
        """The discriminator, then the generator."""
        return (
            Player(
                "discriminator",
                self.discriminator,
                self.discriminator_losses,
                steps=self.discriminator_steps,
                role="discriminator",
                context=self.context if self.replay is None else self.context_with_replay,
            ),
            Player(
                "generator",
                self.generator,
                self.generator_losses,
                role="generator",
                context=self.context,
            ),
        )

    def discriminator_losses(self, context: Context) -> LossTerms:
        """What the discriminator minimises."""
        return self.loss.discriminator(context.real_logits, context.fake_logits)

    def generator_losses(self, context: Context) -> LossTerms:
        """What the generator minimises."""
        return self.loss.generator_against(context.fake_logits, lambda: context.real_logits)

    def context(self, minibatch: Minibatch, **other: Any) -> Context:
        """What losses and penalties look at in a step, computed when it is asked for.

        Args:
            minibatch: The real data of the step.
            other: Arguments of :class:`~ganzoo.penalties.context.Context` in place of these.
        """
        usual = {
            "real": minibatch.real,
            "outputs": self.score,
            "labels": minibatch.labels,
            "discriminator": self.discriminator,
            "generator": self.generator,
            "generate": partial(self.generate, self.generator),
            "map_latents": self.map_latents,
            "draw_latents": self.latents,
            "packing": self.packing,
        }
        return Context(minibatch, **{**usual, **other})

    def context_with_replay(self, minibatch: Minibatch) -> Context:
        """The same for the discriminator, which is shown earlier generated data as well."""
        assert self.replay is not None
        replay = self.replay
        return self.context(minibatch, fake=lambda context: replay(context.generated))

    def map_latents(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Styles ``[B, L, W]`` of latents ``[B, Z]``, by a generator that has a style space."""
        return self.generate(cast("nn.Module", self.generator.mapping), latents, labels)

    def score(self, data: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits ``[B, ...]`` of data as training shows them, augmented and packed."""
        outputs = self.discriminator(self.pack(self.augmentations(data)))
        return outputs if type(outputs) is Tensor and outputs.dim() == 1 else logits_of(outputs)

    def score_samples(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits of samples ``[B, ...]`` of the data's kind; what is over in packs is left out."""
        return self.score(samples[: len(samples) // self.packing * self.packing], labels)

    def on_train_start(self) -> None:
        """Watch what a new discriminator returns, where the loss takes logits."""
        super().on_train_start()
        self._watch = None
        if self.loss.expects_logits and self.global_step == 0:
            self._watch = ProbabilityWatch(self, self.discriminator, at_end=self._timed.remove)
            self._timed.append(self._watch)

    def on_train_end(self) -> None:
        """Say what was seen in a short run."""
        super().on_train_end()
        if self._watch is not None:
            self._watch.end()

    def check_size(self, count: int) -> None:
        """Refuse batches that cannot be packed, or are too few for the loss."""
        super().check_size(count)
        parts = self.minibatches_per_iteration * self.micro_batches
        check_packs(count, parts, self.packing)
        if count // parts == 1:
            self._check_loss_of_one()

    def check_fields(self, fields: Fields) -> None:
        """Refuse networks that do not fit the data."""
        real, labels = fields["real"], fields["labels"]
        check_networks_fit(
            self, self._fakes_for, self.score_samples, real, labels, self.packing, self.encoders()
        )

    def encoders(self) -> Mapping[str, Callable[[Tensor], Any]]:
        """Functions of data besides the discriminator, by their networks' names."""
        return {}

    def refuse_packs(self) -> None:
        """Refuse what would part samples from what belongs to each of them.

        Raises:
            InputError: naming the setting.
        """
        if self.packing > 1:
            raise InputError("this model judges samples one by one: set packing=1")

    def refuse_unlabelled(self) -> None:
        """Refuse what would part samples from their labels.

        Raises:
            InputError: naming the setting.
        """
        self.refuse_packs()
        if self.replay is not None:
            raise InputError(
                "the pool keeps no labels: a model with classes needs augment.replay=none"
            )

    def _fakes_for(self, real: Tensor, labels: Tensor | None) -> Tensor:
        random = torch.Generator().manual_seed(0)
        latents = self.latent_prior.sample(len(real), generator=random).to(real)
        return self.generate(self.generator, latents, labels)

    def _check_loss_of_one(self) -> None:
        """Let a loss that compares samples say so before there is one alone."""
        logit = torch.zeros(1, device=self.device)
        try:
            with evaluating(self):
                self.loss.discriminator(logit, logit)
                self.loss.generator_against(logit, lambda: logit)
        except InputError as error:
            raise InputError(f"{error}: {LARGER}") from error
