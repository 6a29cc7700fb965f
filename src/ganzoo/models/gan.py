"""Generative adversarial networks: the game of two players."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.losses.base import AdversarialLoss
from ganzoo.losses.own import as_loss
from ganzoo.models.fit import LARGER, check_networks_fit, looking
from ganzoo.models.game import Game
from ganzoo.models.logits import ITERATIONS, ProbabilityWatch, logits_of, warn_of_probabilities
from ganzoo.models.own_parts import check_kind
from ganzoo.models.penalising import check_players, project, scene_of, terms_due
from ganzoo.models.player import Player, Share, Terms
from ganzoo.models.presentation import Presentation
from ganzoo.penalties.base import Regularizer
from ganzoo.penalties.own import as_penalties


@defaults_from("model/gan")
class GAN(Game):
    """Generative adversarial networks: two players, alternating updates.

    Goodfellow et al. (2014), "Generative Adversarial Nets", Algorithm 1 (arXiv 1406.2661). In
    each iteration the discriminator makes ``discriminator_steps`` updates, each on fresh real
    data and fresh latents, then the generator makes one update on fresh latents.

    Departures: the objective is whatever ``loss`` says (the paper trains with the non-saturating
    one), any optimizer takes the place of gradient ascent, penalties may be added, and another
    update rule than taking turns may be chosen.

    A variant overrides ``discriminator_loss``, ``generator_loss``, ``constrain``, ``generate`` or
    ``discriminate``, or what is judged: ``real`` and ``made``. More players are more entries in
    ``players``.

    Args:
        generator: Network from latents ``[B, Z]`` to data ``[B, C, H, W]`` or ``[B, D]``.
        discriminator: Network from data to logits ``[B]`` or ``[B, 1]``.
        loss: Objective of both players on the discriminator's outputs, or any object with its two
            methods (:func:`~ganzoo.losses.own.as_loss`).
        penalties: Named terms added to a player's objective, or constraints on its weights; also
            functions (:func:`~ganzoo.penalties.own.as_penalties`).
        presentation: How samples are shown to the discriminator.
        discriminator_steps: Discriminator updates for each generator update, at least 1.
        game: Arguments of :class:`~ganzoo.models.game.Game`.

    Raises:
        InputError: if one of the numbers is out of range, a part is of another kind, or a player
            has no optimizer.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss = FROM_CONFIG,
        penalties: Mapping[str, Regularizer] = FROM_CONFIG,
        presentation: Presentation = FROM_CONFIG,
        discriminator_steps: int = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(generator=generator, **game)
        check_whole(discriminator_steps=discriminator_steps)
        check_kind("discriminator", discriminator, nn.Module, "a torch.nn.Module")
        check_kind("presentation", presentation, Presentation, "a Presentation")
        self.discriminator = discriminator
        self.loss = as_loss(loss)
        self.penalties = nn.ModuleDict(as_penalties(penalties))
        self.attach_penalties(discriminator=discriminator, generator=generator)
        self.presentation = presentation
        self.discriminator_steps = int(discriminator_steps)
        self._watch: ProbabilityWatch | None = None

    def players(self) -> Sequence[Player]:
        """The discriminator, then the generator."""
        return (
            Player(
                name="discriminator",
                network=self.discriminator,
                objective=self.discriminator_objective,
                steps=self.discriminator_steps,
            ),
            Player(
                name="generator",
                network=self.generator,
                objective=self.generator_objective,
                steps=1,
            ),
        )

    def discriminator_objective(self, share: Share) -> Terms:
        """What the discriminator minimises: its loss and the penalties that are due."""
        made = self.presentation.remembered(self.made(share))
        share, fake = self.presentation.both(self.real(share), made)
        terms = self.discriminator_loss(share, fake)
        return terms | self.penalise(self.penalties, share, fake)

    def generator_objective(self, share: Share) -> Terms:
        """What the generator minimises on fresh latents: its loss and penalties that are due."""
        return self.generator_terms(share, self.made(share))

    def generator_terms(self, share: Share, made: Tensor) -> Terms:
        """What the generator minimises for what it made ``[B, ...]``."""
        share, fake = self.presentation.both(self.real(share), made)
        terms = self.generator_loss(share, fake)
        return terms | self.penalise(self.penalties, share, fake, "generator")

    def real(self, share: Share) -> Share:
        """What the discriminator takes for real in an update."""
        return share

    def made(self, share: Share) -> Tensor:
        """What it takes for generated, ``[B, ...]``: as much, of fresh latents."""
        return self.imagine(self.latents(len(share.data)), share.labels)

    def imagine(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """What the generator makes of latents ``[B, Z]`` for the discriminator to see."""
        return self.generate(self.generator, latents, labels)

    def discriminator_loss(self, share: Share, fake: Tensor) -> Terms:
        """Terms of the discriminator's objective on real data and fakes ``[B, ...]``."""
        real_logits = self.discriminate(share.data, share.labels)
        return self.loss.discriminator(real_logits, self.discriminate(fake, share.labels))

    def generator_loss(self, share: Share, fake: Tensor) -> Terms:
        """Terms of the generator's objective on fakes ``[B, ...]``."""
        score, labels = self.discriminate, share.labels
        return self.loss.generator_against(score(fake, labels), lambda: score(share.data, labels))

    def discriminate(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``[B]`` of data."""
        return logits_of(self.discriminator(data))

    def judge(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``[B / m]`` of data as training shows it, in packs of m; what is over is left."""
        whole = len(data) // self.presentation.packing * self.presentation.packing
        return self.discriminate(self.presentation(data[:whole]), labels)

    def penalise(
        self, penalties: Any, share: Share, fake: Tensor, player: str = "discriminator"
    ) -> Terms:
        """The terms of those of the named penalties that are this player's and due."""
        return terms_due(penalties, player, share.update, scene_of(self, share, fake))

    def constrain(self, player: Player) -> None:
        """Let the penalties that are constraints move a player's parameters."""
        project(self.penalties.values(), player)

    def begin(self, iteration: int) -> None:
        """Let what changes over training in the presentation change."""
        self.presentation.begin(iteration)
        if iteration == ITERATIONS:
            self._end_watch()

    def on_train_start(self) -> None:
        """Watch what a new discriminator returns, where the loss takes logits."""
        super().on_train_start()
        if self.loss.expects_logits and self.global_step == 0:
            self._watch = ProbabilityWatch(self.discriminator)

    def on_train_end(self) -> None:
        """Judge what was seen in a short run."""
        super().on_train_end()
        self._end_watch()

    def configure_optimizers(self) -> Any:
        """One optimizer for each player; refuse penalties of players that are not there."""
        self.check_penalties()
        return super().configure_optimizers()

    def attach_penalties(self, **networks: nn.Module) -> None:
        """Let the penalties know the networks of players, by their names."""
        for penalty in self.penalties.values():
            penalty.attach(networks)  # type: ignore[operator]

    def check_penalties(self) -> None:
        """Refuse penalties of players that are not there.

        Raises:
            InputError: naming the first of them.
        """
        check_players(self.penalties.items(), self.players())

    def check_size(self, count: int) -> None:
        """Refuse batches that cannot be packed, or are too few for the loss."""
        super().check_size(count)
        whole = self.discriminator_steps * self.accumulation_steps
        self.presentation.check_size(count, whole)
        if count // whole == 1:
            self._check_loss_of_one()

    def check_fit(self, data: Tensor, labels: Tensor | None) -> None:
        """Refuse networks that do not fit the data."""
        packs, others = self.presentation.packing, self.other_networks()
        check_networks_fit(self, self._fakes_for, self.judge, data, labels, packs, others)

    def other_networks(self) -> Mapping[str, Callable[[Tensor], Any]]:
        """Networks of data besides the discriminator, by name."""
        return {}

    def _fakes_for(self, real: Tensor, labels: Tensor | None) -> Tensor:
        random = torch.Generator().manual_seed(0)
        latents = self.latent_prior.sample(len(real), generator=random).to(real)
        return self.generate(self.generator, latents, labels)

    def _check_loss_of_one(self) -> None:
        """Let a loss that compares samples say so before there is one alone."""
        logit = torch.zeros(1, device=self.device)
        try:
            with looking(self):
                self.loss.discriminator(logit, logit)
                self.loss.generator_against(logit, lambda: logit)
        except InputError as error:
            raise InputError(f"{error}: {LARGER}") from error

    def _end_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and watch.end(self) and self.global_rank == 0:
            warn_of_probabilities()
