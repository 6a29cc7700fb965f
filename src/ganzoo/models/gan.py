"""Generative adversarial networks: the game of two players."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.losses.base import AdversarialLoss
from ganzoo.models.batches import check_networks_fit
from ganzoo.models.game import Game
from ganzoo.models.penalising import check_players, project, scene_of, terms_due
from ganzoo.models.player import Player, Share, Terms
from ganzoo.models.presentation import Presentation
from ganzoo.penalties.base import Regularizer


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
        discriminator: Network from data to logits ``[B]``.
        loss: Objective of both players on the discriminator's outputs.
        penalties: Named terms added to a player's objective, or constraints on its weights.
        presentation: How samples are shown to the discriminator.
        discriminator_steps: Discriminator updates for each generator update, at least 1.
        game: Arguments of :class:`~ganzoo.models.game.Game`.

    Raises:
        InputError: if one of the numbers is out of range, or a player has no optimizer.
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
        self.discriminator = discriminator
        self.loss = loss
        self.penalties = nn.ModuleDict(penalties)
        for penalty in penalties.values():
            penalty.attach({"discriminator": discriminator, "generator": generator})
        self.presentation = presentation
        self.discriminator_steps = int(discriminator_steps)

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
        return self.discriminator(data)  # type: ignore[no-any-return]

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

    def configure_optimizers(self) -> Any:
        """One optimizer for each player; refuse penalties of players that are not there."""
        check_players(self.penalties.items(), self.players())
        return super().configure_optimizers()

    def check_fit(self, data: Tensor, labels: Tensor | None) -> None:
        """Refuse networks that do not fit the data."""
        packs = self.presentation.packing
        check_networks_fit(self, self._fakes_for, self.judge, data, labels, packs)

    def _fakes_for(self, real: Tensor, labels: Tensor | None) -> Tensor:
        latents = real.new_zeros(len(real), self.latent_prior.latent_dim)
        return self.generate(self.generator, latents, labels)
