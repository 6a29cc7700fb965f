"""The game: alternating updates of named players."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo import __version__
from ganzoo.errors import check_whole
from ganzoo.losses.base import AdversarialLoss
from ganzoo.models import local_state
from ganzoo.models.averaging import ExponentialMovingAverage
from ganzoo.models.batches import check_networks_fit, unpack
from ganzoo.models.finite import FiniteCheck, gradient_norm, spoil
from ganzoo.models.penalising import check_players, project, scene_of, terms_due
from ganzoo.models.player import Player, Share, Terms, Turn, optimizers_of, seat, split
from ganzoo.models.presentation import Presentation
from ganzoo.models.recipe import Recipe, check_same_model
from ganzoo.models.record import GRADIENT_NORM, LOSS, Record, add_up, scaled, total
from ganzoo.models.sampling import LatentPrior, Sampler
from ganzoo.penalties.base import Regularizer
from ganzoo.strategies.player_parallel import check_strategy, share_gradients


class GAN(Sampler, LightningModule):
    """Generative adversarial networks: two players, alternating updates.

    Goodfellow et al. (2014), "Generative Adversarial Nets", Algorithm 1 (arXiv 1406.2661). In
    each iteration the discriminator makes ``discriminator_steps`` updates, each on fresh real
    data and fresh latents, then the generator makes one update on fresh latents.

    Departures: the objective is whatever ``loss`` says (the paper trains with the non-saturating
    one), any optimizer takes the place of gradient ascent, penalties may be added.

    A batch carries all the real data of one iteration: ``[discriminator_steps * B, ...]``, or a
    pair of that and labels. ``trainer.global_step`` counts generator updates. A variant overrides
    ``discriminator_loss``, ``generator_loss``, ``constrain``, ``generate`` or ``discriminate``;
    more players are more entries in ``players``.

    Args:
        generator: Network from latents ``[B, Z]`` to data ``[B, C, H, W]`` or ``[B, D]``.
        discriminator: Network from data to logits ``[B]``.
        loss: Objective of both players on the discriminator's outputs.
        penalties: Named terms added to a player's objective, or constraints on its weights.
        presentation: How samples are shown to the discriminator.
        latent_prior: Distribution of the latents.
        optimizers: For each player's name, a function from parameters to an optimizer.
        schedule: From an optimizer to a learning rate schedule, stepped once for each generator
            update; None keeps the rates constant.
        gradient_clipping: Called with a player's parameters before each of its steps, or None.
        ema: From the generator to its moving average, or None.
        discriminator_steps: Discriminator updates for each generator update, at least 1.
        accumulation_steps: Parts in which the data of one update pass through the networks, at
            least 1; their gradients add up to that of the whole, for losses that are means over
            samples and networks without batch statistics, in less memory.
        non_finite_tolerance: Updates with a term or a gradient that is not finite that are left
            out before the run stops, at least 0.

    Raises:
        InputError: if one of the numbers is out of range, or a player has no optimizer.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss,
        penalties: Mapping[str, Regularizer],
        presentation: Presentation,
        latent_prior: LatentPrior,
        optimizers: Mapping[str, Callable[..., Optimizer]],
        schedule: Callable[[Optimizer], LRScheduler] | None,
        gradient_clipping: Callable[[list[nn.Parameter]], None] | None,
        ema: Callable[[nn.Module], ExponentialMovingAverage] | None,
        discriminator_steps: int,
        accumulation_steps: int,
        non_finite_tolerance: int,
    ) -> None:
        super().__init__()
        check_whole(discriminator_steps=discriminator_steps, accumulation_steps=accumulation_steps)
        self.automatic_optimization = False
        self.generator = generator
        self.discriminator = discriminator
        self.loss = loss
        self.penalties = nn.ModuleDict(penalties)
        for penalty in penalties.values():
            penalty.attach({"discriminator": discriminator, "generator": generator})
        self.presentation = presentation
        self.latent_prior = latent_prior
        self.averaged = ema(generator) if ema else None
        self.discriminator_steps = int(discriminator_steps)
        self.accumulation_steps = int(accumulation_steps)
        self.recipe: Recipe | None = None
        self._optimizer_factories = dict(optimizers)
        self._schedule = schedule
        self._gradient_clipping = gradient_clipping
        self._finite = FiniteCheck(non_finite_tolerance)
        self._record = Record()
        self._local: local_state.LocalState | None = None

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
        made = self.generate(self.generator, self.latents(len(share.data)), share.labels)
        share, fake = self.presentation.both(share, self.presentation.remembered(made))
        terms = self.discriminator_loss(share, fake)
        return terms | self.penalise(self.penalties, share, fake)

    def generator_objective(self, share: Share) -> Terms:
        """What the generator minimises on fresh latents: its loss and penalties that are due."""
        made = self.generate(self.generator, self.latents(len(share.data)), share.labels)
        share, fake = self.presentation.both(share, made)
        terms = self.generator_loss(share, fake)
        return terms | self.penalise(self.penalties, share, fake, "generator")

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

    def constrain(self, player: Player) -> None:
        """Project a player's parameters onto its feasible set, after each of its updates."""
        project(self.penalties.values(), player)

    def penalise(
        self, penalties: Any, share: Share, fake: Tensor, player: str = "discriminator"
    ) -> Terms:
        """The terms of those of the named penalties that are this player's and due."""
        return terms_due(penalties, player, share.update, scene_of(self, share, fake))

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One iteration: the updates of each player in turn."""
        rounds, iteration = self._rounds(batch), self.global_step
        self.presentation.begin(iteration)
        for turn in self._turns.values():
            steps = turn.player.steps
            for update, share in enumerate(rounds[-steps:], start=iteration * steps):
                self.update(turn.player, share._replace(update=update))
        self._after_iteration()

    def update(self, player: Player, share: Share) -> None:
        """One update of one player; the others stay as they are."""
        turn = self._turns[player.name]
        with turn.opponents.frozen():
            self._turn, self._terms = turn, self._differentiate(turn, share)
        share_gradients(self.trainer.strategy, turn.parameters)
        self._step(turn)
        self.constrain(player)
        self._record.add(player, self._terms)

    @property
    def latest_terms(self) -> Terms:
        """Scalars of the last updates: ``"generator/adversarial"``, ``"discriminator/loss"``, ...

        ``"generator/gradient_norm"`` is the Euclidean norm of the whole gradient before clipping.
        """
        return self._record.latest

    def configure_optimizers(self) -> Any:
        """One optimizer, and one schedule where there is any, for each player."""
        check_players(self.penalties.items(), self.players())
        optimizers = optimizers_of(self.players(), self._optimizer_factories)
        schedules = (
            [self._schedule(optimizer) for optimizer in optimizers] if self._schedule else []
        )
        return optimizers, schedules

    def setup(self, stage: str) -> None:
        """Refuse a strategy that cannot train a game, before it starts its work."""
        check_strategy(self.trainer)

    def on_train_start(self) -> None:
        """Seat the players, and go on from what a checkpoint says of this process."""
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        self._turns = seat(self.players(), optimizers)
        schedules = self.lr_schedulers() or []
        self._schedules = schedules if isinstance(schedules, list) else [schedules]
        self._fits = self._local is not None  # looking again would draw random numbers
        if self._local is None:
            local_state.seed(self.global_rank, self.global_step)
        else:
            local_state.restore_buffers(self, self._local["buffers"])
            self._record.restore(self._local["terms"], self.device)
            self._finite.skipped = self._local["skipped"]

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Take up the random numbers of a run that was stopped in the middle of an epoch."""
        if self._local and batch_idx > 0:  # at an epoch's start the loader has drawn since
            local_state.restore_random_states(self._local["random"], self.device)
        self._local = None

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the gradients of the player that steps, or leave out a step that is not finite.

        Mixed precision has unscaled them by now. Without gradients an optimizer does nothing.
        """
        turn, norm = self._turn, gradient_norm(self._turn.parameters)
        self._terms[GRADIENT_NORM] = norm
        if not norm.isfinite():
            scaler = getattr(self.trainer.precision_plugin, "scaler", None)
            scale = scaler.get_scale() if scaler else 1.0
            self._finite.refuse(turn.player, self._terms, scale, self.global_step)
            turn.optimizer.zero_grad()
        elif self._gradient_clipping is not None:
            self._gradient_clipping(turn.parameters)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the checkpoint describe itself, and keep what each process needs to go on."""
        checkpoint["ganzoo"] = {
            "version": __version__,
            "recipe": self.recipe,
            "processes": local_state.capture(self, self._record.latest, self._finite.skipped),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another model; take up this process's random numbers."""
        check_same_model(self.recipe, self.state_dict(), checkpoint)
        self._local = local_state.of_this_process(checkpoint, self.global_rank)
        if self._local:
            local_state.restore_random_states(self._local["random"], self.device)

    def _rounds(self, batch: Any) -> list[Share]:
        steps = max(turn.player.steps for turn in self._turns.values())
        data, labels = unpack(batch, steps, self.accumulation_steps)
        if not self._fits:
            packs = self.presentation.packing
            check_networks_fit(self, self._fakes_for, self.judge, data, labels, packs)
            self._fits = True
        return split(data, labels, steps, self.global_step * steps)

    def _fakes_for(self, real: Tensor, labels: Tensor | None) -> Tensor:
        latents = real.new_zeros(len(real), self.latent_prior.latent_dim)
        return self.generate(self.generator, latents, labels)

    def _differentiate(self, turn: Turn, share: Share) -> Terms:
        """The gradients of a player's objective, and its terms with their sum."""
        turn.optimizer.zero_grad()
        passes = []
        for part in share.parts(self.accumulation_steps):
            terms = scaled(turn.player.objective(part), len(part.data) / len(share.data))
            loss = total(terms)
            with torch.autocast(self.device.type, enabled=False):  # as torch's guide on AMP asks
                self.manual_backward(loss)
            spoil(turn.parameters, loss)
            passes.append(terms | {LOSS: loss})
        return add_up(passes)

    def _step(self, turn: Turn) -> None:
        # Lightning counts every step taken through its wrapper, and global_step counts the
        # generator's alone: the others step through the strategy, which does the same otherwise.
        if turn is list(self._turns.values())[-1]:
            turn.optimizer.step()
        else:
            self.trainer.strategy.optimizer_step(turn.optimizer.optimizer, lambda: None, self)

    def _after_iteration(self) -> None:
        if self.averaged is not None:
            self.averaged.update(self.generator, self.global_step)
        for schedule in self._schedules:
            schedule.step()  # type: ignore[call-arg]
        if self.global_step % self.trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._record.publish(self)
