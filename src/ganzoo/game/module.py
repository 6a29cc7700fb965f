"""The one training loop of the library."""

from abc import ABC, ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo import __version__
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.game import local_state
from ganzoo.game.averaging import MovingAverage
from ganzoo.game.backend import LightningBackend
from ganzoo.game.configuration import Configuration, check_same_model
from ganzoo.game.finite import FiniteCheck
from ganzoo.game.frozen import PartlyFrozen
from ganzoo.game.lightning_habits import LightningHabits
from ganzoo.game.loaders import check_last_batch, say_what_a_batch_is
from ganzoo.game.logged import LatestTerms
from ganzoo.game.minibatch import (
    Fields,
    Minibatch,
    check_enough,
    length,
    minibatches,
    named_fields,
    placed,
)
from ganzoo.game.monitored import check_monitored
from ganzoo.game.optimizers import check_optimizers, optimizers_of
from ganzoo.game.own_parts import check_functions, check_kind
from ganzoo.game.penalties import assign_penalties, check_unchanged
from ganzoo.game.player import Player
from ganzoo.game.portable import Portable
from ganzoo.game.schedules import say_new_end, schedules_of
from ganzoo.game.shown_as_real import assign_shown_as_real
from ganzoo.game.true_precision import check_precision
from ganzoo.losses.base import GRADIENT_NORM, LossTerms
from ganzoo.optim.base import UpdateRule
from ganzoo.optim.schedules import TimedSchedule
from ganzoo.penalties.constraint import Constraint
from ganzoo.penalties.own import as_penalties
from ganzoo.progress import Progress
from ganzoo.strategies.across_devices import world_size
from ganzoo.strategies.arguments import check_trainer
from ganzoo.strategies.player_parallel import check_strategy


class _Completed(ABCMeta):
    """Lets a model be completed once all constructors of its class have run."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        model = super().__call__(*args, **kwargs)
        model.complete()
        return model


@defaults_from("model/gan", of="GAN")
class AdversarialModule(
    LightningHabits, PartlyFrozen, Portable, LightningModule, ABC, metaclass=_Completed
):
    """The mechanics of every adversarial game: players who step on minibatches of one batch.

    A model says who plays and what each player minimises (``build_players``), and which fields a
    batch has (``read_batch``). One batch is one iteration: it carries the real data of as many
    minibatches as the player with most steps makes. Everybody steps on the last of them, and on
    each the players step by the update rule, one after another unless another rule is chosen.

    ``trainer.global_step`` counts iterations.

    Args:
        optimizers: For each player's name a function from parameters to an optimizer, or one
            such function for all players.
        penalties: Named penalties and constraints, each of which names the player it acts on;
            also functions (:func:`~ganzoo.penalties.own.as_penalties`).
        update_rule: How the players step on a minibatch.
        lookahead: From that rule to one that looks back at the end of iterations, or None.
        schedule: From an optimizer to a learning rate schedule, stepped once an iteration; None
            keeps the rates constant.
        gradient_clipping: Called with a player's parameters before each of its steps, or None.
        ema: From a module to the average of its weights that samples are drawn from, or None.
        micro_batches: Parts in which the data of one step pass through the networks, at least 1;
            their gradients add up to that of the whole, for losses that are means over samples
            and networks without batch statistics, in less memory.
        freeze_discriminator_layers: Layers of each discriminator, from the data on, that are not
            trained, see :class:`~ganzoo.game.frozen.PartlyFrozen`; at least 0.
        non_finite_tolerance: Steps with a term or a gradient that is not finite that are left out
            before the run stops, at least 0.

    Attributes:
        ema: The averages by the names of ``averaged_modules``.
        latest: The latest terms of all players.
        progress: Iterations and images shown so far.
        stepping: The player whose optimizer steps.
        configuration: How the model was made, where that is known.
        has_looked: Whether the first batch of the run has been looked at.

    Raises:
        InputError: if one of the numbers is out of range, a part is none that a game can be
            played with, a player has no optimizer, or a penalty cannot act on the model.
    """

    stepping: Player
    _constraints: dict[str, list[Constraint]]
    _adaptive: list[Any]
    _ends: Callable[[Sequence[Player]], None] | None

    def __init__(
        self,
        *,
        optimizers: Mapping[str, Callable[..., Optimizer]] | Callable[..., Optimizer] = FROM_CONFIG,
        penalties: Mapping[str, Any] = FROM_CONFIG,
        update_rule: UpdateRule = FROM_CONFIG,
        lookahead: Callable[[UpdateRule], UpdateRule] | None = FROM_CONFIG,
        schedule: Callable[[Optimizer], LRScheduler] | None = None,
        gradient_clipping: Callable[[list[nn.Parameter]], None] | None = FROM_CONFIG,
        ema: Callable[[nn.Module], MovingAverage] | None = FROM_CONFIG,
        micro_batches: int = FROM_CONFIG,
        freeze_discriminator_layers: int = FROM_CONFIG,
        non_finite_tolerance: int = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_optimizers(optimizers)
        check_kind("update_rule", update_rule, UpdateRule, "an update rule of ganzoo.optim")
        check_functions(lookahead=lookahead, schedule=schedule, ema=ema)
        check_functions(gradient_clipping=gradient_clipping)
        check_whole(micro_batches=micro_batches)
        check_whole(0, freeze_discriminator_layers=freeze_discriminator_layers)
        self.automatic_optimization = False
        self.penalties = as_penalties(penalties)
        self.ema = nn.ModuleDict()
        self.update_rule = lookahead(update_rule) if lookahead else update_rule
        self.micro_batches = int(micro_batches)
        self.freeze_discriminator_layers = int(freeze_discriminator_layers)
        self.progress = Progress()
        self.latest = LatestTerms()
        self.configuration: Configuration | None = None
        self._make_optimizers, self._make_schedule, self._make_ema = optimizers, schedule, ema
        self._gradient_clipping = gradient_clipping
        self._finite = FiniteCheck(non_finite_tolerance)
        self._enough: set[int] = set()
        self.has_looked = self._left_out = False
        self._local: local_state.LocalState | None = None
        self._players: list[Player] = []

    @abstractmethod
    def build_players(self) -> Sequence[Player]:
        """The players in the order of their steps."""

    def averaged_modules(self) -> Mapping[str, nn.Module]:
        """The modules whose weights ``ema`` averages, by name: what makes samples."""
        return {}

    def read_batch(self, batch: Any) -> Fields:
        """Name the trees of tensors of a batch, on the model's device and in its precision.

        Without a rule of the model's own: the entries of a dictionary by their names, a tensor as
        ``real``, a pair as ``real`` and ``labels``.

        Raises:
            InputError: saying what cannot be read, and how it could be.
        """
        return placed(named_fields(batch), self.weights_type, self.device)

    def check_fields(self, fields: Fields) -> None:
        """Refuse networks that do not fit the first batch, before the first step.

        Raises:
            InputError: naming the network.
        """

    def check_size(self, count: int) -> None:
        """Refuse batches of this many samples, if they are too few for an iteration.

        Raises:
            InputError: saying what to change.
        """
        check_enough(count, self.minibatches_per_iteration, self.micro_batches)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One iteration: on each minibatch, those who are due step by the update rule."""
        if self._local is not None:
            self._take_up_random_states(batch_idx)
        for minibatch in self.minibatches(batch):
            self.update_rule.step(self.players_due(minibatch))
        self.end_iteration()

    def minibatches(self, batch: Any) -> list[Minibatch]:
        """The real data of each step, of the player with most steps."""
        if self._finite.underway:
            self._finite.look(before=self.global_step - 1)  # the last one is still being computed
        for part in tuple(self._timed):
            part.begin_iteration(self.progress)
        fields = self.read_batch(batch)
        size = length(fields)
        if size not in self._enough:
            self._look_at(fields, size)
        self.progress.images_per_iteration = size * self._processes
        if self._count == 1:
            return [Minibatch(fields, size, 0)]
        return minibatches(fields, self._count)

    def players_due(self, minibatch: Minibatch) -> list[Player]:
        """Those who step on a minibatch: who makes fewer steps than others makes the last ones."""
        due, iteration = [], self.progress.iterations
        for player in self._players:
            remaining = minibatch.remaining - player.left_to_others
            if 0 <= remaining < player.steps:
                player.minibatch = minibatch
                player.step_number = (iteration + 1) * player.steps - remaining - 1
                due.append(player)
        return due

    def end_iteration(self) -> None:
        """Count it, let averages and schedules follow, and log."""
        if self._ends is not None:
            self._ends(self._players)
        self.progress.iterations += 1
        self.progress.images += self.progress.images_per_iteration
        for average, module in self._averaged:
            average.update(module, self.progress)
        for schedule in self._schedules:
            if isinstance(schedule, TimedSchedule):
                schedule.progress = self.progress
            schedule.step()
        self.trainer.callback_metrics.update(self.latest.values)
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if not self._monitors_checked or (every and self.progress.iterations % every == 0):
            self._log(every)

    def finish_step(self, player: Player, *, counted: bool) -> None:
        """After a step: constraints hold again, and what adapts to the game sees it.

        Args:
            player: Whose step it was.
            counted: False for a step that is taken back.
        """
        for constraint in self._constraints[player.name]:
            constraint.project(player.parameters)
        if counted:
            for name, term in player.terms.items():
                self.latest.values[f"{player.name}/{name}"] = term
            for part in () if self._left_out else self._adaptive:
                self.note(player.name, part.after_step(player) or {})
        self._left_out = False

    def note(self, player: str, values: Mapping[str, Tensor]) -> None:
        """Log scalars beside the terms of a player's loss, without being part of it."""
        for name, value in values.items():
            self.latest.values[f"{player}/{name}"] = value.detach()

    def complete(self) -> None:
        """Make the players, and what belongs to them, once the modules are there."""
        self._players = self._with_penalties()
        if self.freeze_discriminator_layers:
            self.freeze_first_layers(self._players, self.freeze_discriminator_layers)
        for player in self._players:
            for part in (*player.penalties.values(), *player.constraints):
                part.attach(player.modules)  # type: ignore[operator]
        if self.update_rule.differentiates_twice and self.micro_batches > 1:
            raise InputError(
                f"{type(self.update_rule).__name__} differentiates gradients, which needs the data "
                "of a step in one piece: set model.micro_batches=1"
            )
        if self._make_ema is not None:
            for name, module in self.averaged_modules().items():
                self.ema[name] = self._make_ema(module)

    @property
    def players(self) -> list[Player]:
        """The players in the order of their steps."""
        if not self.__dict__.get("_players"):  # a copy goes without
            self._players = self._with_penalties()
        return self._players

    @property
    def minibatches_per_iteration(self) -> int:
        """Minibatches that the batch of an iteration is divided into."""
        return max(player.steps + player.left_to_others for player in self.players)

    @property
    def weights_type(self) -> torch.dtype:
        """The type of the model's weights."""
        return next((p.dtype for p in self.parameters() if p.is_floating_point()), torch.float32)

    @property
    def latest_terms(self) -> LossTerms:
        """Scalars of the last steps: ``"generator/adversarial"``, ``"discriminator/loss"``, ...

        ``"generator/gradient_norm"`` is the Euclidean norm of the whole gradient before clipping.
        """
        return self.latest.values

    def configure_optimizers(self) -> Any:
        """One optimizer, and one schedule where there is any, for each player, with its name."""
        for player in self.players:
            player.find_parameters()
        optimizers = optimizers_of(self.players, self._make_optimizers)
        check_precision(optimizers, self.update_rule, scaled=self._is_scaled)
        return optimizers, schedules_of(self.players, optimizers, self._make_schedule)

    def configure_callbacks(self) -> list[Any]:
        """Add none; refuse a Trainer's arguments here, before Lightning does without advice."""
        check_trainer(self.trainer)
        return super().configure_callbacks()

    def setup(self, stage: str) -> None:
        """Refuse a strategy that cannot train a game, and penalties that came too late."""
        check_strategy(self.trainer)
        check_unchanged(dict(self.penalties.items()), self.players)
        super().setup(stage)

    def on_train_start(self) -> None:
        """Let the players meet, and go on from what a checkpoint says of this process."""
        if not self.training:
            self.train()  # Lightning would train a model that was loaded in evaluation mode
        self._let_players_meet()
        schedules: Any = self.lr_schedulers() or []
        self._schedules = schedules if isinstance(schedules, list) else [schedules]
        say_new_end(self._schedules)
        averaged = self.averaged_modules()
        self._averaged: list[Any] = [(self.ema[name], averaged[name]) for name in self.ema]
        self._processes, self._count = world_size(), self.minibatches_per_iteration
        self._ends = getattr(self.update_rule, "end_iteration", None)
        if self.global_step == 0:
            self.progress = Progress()
        self._monitors_checked = False
        self._enough.clear()
        self.has_looked = self._local is not None  # looking again would draw random numbers
        check_last_batch(self.trainer, self.check_size)
        self._go_on()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the gradients of the player that steps, or leave out a step that is not finite.

        Mixed precision has unscaled them by now. Without gradients an optimizer does nothing.
        """
        player = self.stepping
        norm = player.terms[GRADIENT_NORM] = player.gradient_norm()
        if norm.is_cuda and self._finite.may_look_later(player.backend.scale()):
            self._finite.look_later(player, player.terms, self.global_step)
        elif not norm.isfinite():
            self._finite.refuse(player, player.terms, player.backend.scale(), self.global_step)
            optimizer.zero_grad()
            self._left_out = True
            return
        if self._gradient_clipping is not None:
            self._gradient_clipping(player.parameters)

    def on_train_end(self) -> None:
        """End with the same values of all terms in every process."""
        self._finite.look()
        self.latest.average(self.trainer)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the checkpoint describe itself, and keep what each process needs to go on.

        Raises:
            NonFiniteError: if a step so far was not finite: it is not saved.
        """
        self._finite.look()
        checkpoint["ganzoo"] = {
            "version": __version__,
            "configuration": self.configuration,
            "update_rule": self.update_rule.state_dict(),
            "images": [self.progress.images, self.progress.images_per_iteration],
            "processes": local_state.capture(self, self.latest.values, self._finite.skipped),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another model; take up this process's random numbers."""
        check_same_model(self.configuration, self.state_dict(), checkpoint)
        saved = checkpoint["ganzoo"]
        self.update_rule.load_state_dict(saved["update_rule"])
        self.progress = Progress(checkpoint["global_step"], *saved["images"])
        self._local = local_state.of_this_process(checkpoint, self.global_rank)
        if self._local:
            local_state.restore_random_states(self._local["random"], self.device)

    @property
    def _is_scaled(self) -> bool:
        plugin = getattr(self._trainer, "precision_plugin", None)
        return getattr(plugin, "scaler", None) is not None

    def _with_penalties(self) -> list[Player]:
        players = list(self.build_players())
        assign_penalties(dict(self.penalties.items()), players)
        assign_shown_as_real(self.modules(), players)
        return players

    def _let_players_meet(self) -> None:
        optimizers: Any = self.optimizers()
        wrappers = optimizers if isinstance(optimizers, list) else [optimizers]
        children = [child for name, child in self.named_children() if name != "ema"]
        parts = dict.fromkeys(part for child in children for part in child.modules())
        self._adaptive = [part for part in parts if hasattr(part, "after_step")]
        self._timed: list[Any] = [part for part in parts if hasattr(part, "begin_iteration")]
        backend = LightningBackend(self, keeps_logits=bool(self._adaptive))
        for player, wrapper in zip(self.players, wrappers, strict=True):
            player.backend = backend
            player.lightning_optimizer, player.optimizer = wrapper, wrapper.optimizer
            player.ends_iterations = player is self.players[-1]
            player.meet(self.players)
        self._constraints = {player.name: player.constraints for player in self.players}

    def _look_at(self, fields: Fields, size: int) -> None:
        """Look at batches of a size that has not been seen before, and at the first of all."""
        self.check_size(size)
        self._enough.add(size)
        if not self.has_looked:
            self.check_fields(fields)
            say_what_a_batch_is(self.trainer, size, self._count)
            self.has_looked = True

    def _take_up_random_states(self, batch_idx: int) -> None:
        """Take up those of a run that was stopped in the middle of an epoch."""
        if self._local and batch_idx > 0:  # at an epoch's start the loader has drawn since
            local_state.restore_random_states(self._local["random"], self.device)
        self._local = None

    def _go_on(self) -> None:
        if self._local is None:
            local_state.seed(self.global_rank, self.global_step)
        else:
            local_state.restore_buffers(self, self._local["buffers"])
            self.latest.restore(self._local["terms"], self.device)
            self._finite.skipped = self._local["skipped"]

    def _log(self, every: int) -> None:
        if not self._monitors_checked:
            check_monitored(self.trainer, self.latest.values)
            self._monitors_checked = True
        if every and self.progress.iterations % every == 0:
            self.latest.log(self.trainer, self.progress.iterations)
