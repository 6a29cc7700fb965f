"""The game: alternating updates of named players."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo import __version__
from ganzoo.errors import InputError, check_positive
from ganzoo.losses.base import AdversarialLoss
from ganzoo.models.averaging import ExponentialMovingAverage
from ganzoo.models.batches import check_networks_fit, unpack
from ganzoo.models.player import Opponents, Player, Share, Terms, split
from ganzoo.models.recipe import Recipe, check_same_model
from ganzoo.models.record import Record, total
from ganzoo.models.sampling import LatentPrior, Sampler
from ganzoo.penalties.base import Penalty
from ganzoo.strategies.player_parallel import PlayerParallelStrategy, check_strategy


class GAN(Sampler, LightningModule):
    """Generative adversarial networks: two players, alternating updates.

    Goodfellow et al. (2014), "Generative Adversarial Nets", Algorithm 1 (arXiv 1406.2661). In
    each iteration the discriminator makes ``discriminator_steps`` updates, each on fresh real
    data and fresh latents, then the generator makes one update on fresh latents.

    Departures from the algorithm box: the objective is whatever ``loss`` says (the paper itself
    trains with the non-saturating one), any optimizer takes the place of gradient ascent, and
    penalties may be added to the discriminator's objective.

    A batch carries all the real data of one iteration: ``[discriminator_steps * B, ...]``, or a
    pair of that and labels. ``trainer.global_step`` counts generator updates. A variant overrides
    ``discriminator_loss``, ``generator_loss``, ``constrain``, ``generate`` or ``discriminate``;
    more players are more entries in ``players``.

    Args:
        generator: Network from latents ``[B, Z]`` to data ``[B, C, H, W]`` or ``[B, D]``.
        discriminator: Network from data to logits ``[B]``.
        loss: Objective of both players on the discriminator's outputs.
        penalties: Named terms added to the discriminator's objective.
        latent_prior: Distribution of the latents.
        optimizers: For each player's name, a function from parameters to an optimizer.
        schedule: From an optimizer to a learning rate schedule, stepped once for each generator
            update; None keeps the rates constant.
        gradient_clipping: Called with a player's parameters before each of its steps, or None.
        ema: From the generator to its moving average, or None.
        discriminator_steps: Discriminator updates for each generator update, at least 1.

    Raises:
        InputError: if ``discriminator_steps`` is not a positive integer, or a player has no
            optimizer.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss,
        penalties: Mapping[str, Penalty],
        latent_prior: LatentPrior,
        optimizers: Mapping[str, Callable[..., Optimizer]],
        schedule: Callable[[Optimizer], LRScheduler] | None,
        gradient_clipping: Callable[[list[nn.Parameter]], None] | None,
        ema: Callable[[nn.Module], ExponentialMovingAverage] | None,
        discriminator_steps: int,
    ) -> None:
        super().__init__()
        check_positive(discriminator_steps=discriminator_steps)
        if int(discriminator_steps) != discriminator_steps:
            raise InputError(f"discriminator_steps must be an integer, not {discriminator_steps}")
        self.automatic_optimization = False
        self.generator = generator
        self.discriminator = discriminator
        self.loss = loss
        self.penalties = dict(penalties)
        self.latent_prior = latent_prior
        self.averaged = ema(generator) if ema else None
        self.discriminator_steps = int(discriminator_steps)
        self.recipe: Recipe | None = None
        self._optimizer_factories = dict(optimizers)
        self._schedule = schedule
        self._gradient_clipping = gradient_clipping
        self._record = Record()

    def players(self) -> Sequence[Player]:
        """The players in the order of their updates; the generator comes last."""
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
        fake = self.generate(self.generator, self.latents(len(share.data)), share.labels)
        terms = self.discriminator_loss(share, fake)
        return terms | self.penalise(self.penalties, share, fake)

    def generator_objective(self, share: Share) -> Terms:
        """What the generator minimises on fresh latents."""
        fake = self.generate(self.generator, self.latents(len(share.data)), share.labels)
        return self.generator_loss(share, fake)

    def discriminator_loss(self, share: Share, fake: Tensor) -> Terms:
        """Terms of the discriminator's objective on real data and fakes ``[B, ...]``."""
        real_logits = self.discriminate(share.data, share.labels)
        return self.loss.discriminator(real_logits, self.discriminate(fake, share.labels))

    def generator_loss(self, share: Share, fake: Tensor) -> Terms:
        """Terms of the generator's objective on fakes ``[B, ...]``."""
        return self.loss.generator(self.discriminate(fake, share.labels))

    def discriminate(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits ``[B]`` of data."""
        return self.discriminator(data)  # type: ignore[no-any-return]

    def constrain(self, player: Player) -> None:
        """Project a player's parameters onto its feasible set, after each of its updates."""

    def penalise(self, penalties: Mapping[str, Penalty], share: Share, fake: Tensor) -> Terms:
        """The terms of those penalties that are due at this update of the discriminator."""

        def critic(data: Tensor) -> Tensor:
            labels = None if share.labels is None else share.labels[: len(data)]
            return self.discriminate(data, labels)

        return {
            name: penalty(critic, share.data, fake)
            for name, penalty in penalties.items()
            if penalty.due(share.update)
        }

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One iteration: the updates of each player in turn."""
        rounds = self._rounds(batch)
        for player in self._players:
            for share in rounds[-player.steps :]:
                self.update(player, share)
        self._after_iteration()

    def update(self, player: Player, share: Share) -> None:
        """One update of one player; the others stay as they are."""
        optimizer = self._turns[player.name]
        with self._opponents[player.name].frozen():
            terms = player.objective(share)
            loss = total(player, terms, self.global_step)
            optimizer.zero_grad()
            with torch.autocast(self.device.type, enabled=False):  # as torch's guide on AMP asks
                self.manual_backward(loss)
        self._average_across_devices(player)
        self._step(player, optimizer)
        self.constrain(player)
        self._record.add(player, terms, loss)

    def configure_optimizers(self) -> Any:
        """One optimizer, and one schedule where there is any, for each player."""
        missing = {player.name for player in self.players()} - set(self._optimizer_factories)
        if missing:
            raise InputError(f"no optimizer for {' and '.join(sorted(missing))}: set optimizers")
        optimizers = [self._optimizer(player) for player in self.players()]
        schedules = (
            [self._schedule(optimizer) for optimizer in optimizers] if self._schedule else []
        )
        return optimizers, schedules

    def _optimizer(self, player: Player) -> Optimizer:
        try:
            return self._optimizer_factories[player.name](player.parameters())
        except (TypeError, ValueError) as error:
            raise InputError(f"the optimizer of the {player.name}: {error}") from error

    def on_train_start(self) -> None:
        """Seat the players: their optimizers and who is frozen in whose turn."""
        check_strategy(self.trainer)
        if self.trainer.world_size > 1:
            torch.manual_seed(torch.initial_seed() + self.global_rank)  # latents of its own
        self._players = self.players()
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        self._turns = dict(zip((player.name for player in self._players), optimizers, strict=True))
        self._opponents = {p.name: Opponents(p, self._players) for p in self._players}
        schedules = self.lr_schedulers() or []
        self._schedules = schedules if isinstance(schedules, list) else [schedules]
        self._fits = False

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the gradients of the player that steps; mixed precision has unscaled them by now."""
        if self._gradient_clipping is not None:
            self._gradient_clipping(
                [p for group in optimizer.param_groups for p in group["params"]]
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the checkpoint describe itself: the library's version and the model's config."""
        checkpoint["ganzoo"] = {"version": __version__, "recipe": self.recipe}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another model."""
        check_same_model(self.recipe, self.state_dict(), checkpoint)

    def _rounds(self, batch: Any) -> list[Share]:
        steps = max(player.steps for player in self._players)
        data, labels = unpack(batch, steps)
        if not self._fits:
            check_networks_fit(self, self._fakes_for, self.discriminate, data, labels)
            self._fits = True
        return split(data, labels, steps, self.global_step * steps)

    def _fakes_for(self, real: Tensor, labels: Tensor | None) -> Tensor:
        latents = real.new_zeros(len(real), self.latent_prior.latent_dim)
        return self.generate(self.generator, latents, labels)

    def _average_across_devices(self, player: Player) -> None:
        strategy = self.trainer.strategy
        if isinstance(strategy, PlayerParallelStrategy):
            strategy.average_gradients(player.parameters())

    def _step(self, player: Player, optimizer: LightningOptimizer) -> None:
        # Lightning counts every step taken through its wrapper, and global_step counts the
        # generator's alone: the others step through the strategy, which does the same otherwise.
        if player is self._players[-1]:
            optimizer.step()
        else:
            self.trainer.strategy.optimizer_step(optimizer.optimizer, _nothing, self)

    def _after_iteration(self) -> None:
        if self.averaged is not None:
            self.averaged.update(self.generator, self.global_step)
        for schedule in self._schedules:
            schedule.step()  # type: ignore[call-arg]
        if self.global_step % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            step = float(self.global_step)
            self.log_dict({**self._record.latest, "step": step}, batch_size=1, sync_dist=True)


def _nothing() -> None:
    """The closure of a step whose gradients are already there."""
