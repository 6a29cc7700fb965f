"""The game: updates of named players, in turns."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ganzoo import __version__
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.models import local_state
from ganzoo.models.averaging import MovingAverage
from ganzoo.models.batches import BatchKeys
from ganzoo.models.class_names import class_names
from ganzoo.models.finite import FiniteCheck, gradient_norm
from ganzoo.models.inference import Inference
from ganzoo.models.loaders import check_last_batch, say_what_a_batch_is
from ganzoo.models.monitored import check_monitored
from ganzoo.models.move import Move
from ganzoo.models.own_parts import check_functions, check_parts
from ganzoo.models.player import Player, Share, Terms, optimizers_of, rounds, seat, split
from ganzoo.models.recipe import Recipe, check_same_model
from ganzoo.models.record import GRADIENT_NORM, Record
from ganzoo.models.sampling import LatentPrior
from ganzoo.models.scheduling import say_new_end, schedules_of
from ganzoo.models.true_precision import check_precision
from ganzoo.optim.base import UpdateRule
from ganzoo.strategies.arguments import check_trainer
from ganzoo.strategies.player_parallel import check_strategy


@defaults_from()
class Game(Inference, ABC):
    """The mechanics of all models: players with names, who move in turns.

    A model says who plays and what each player minimises (``players``). One iteration is as many
    rounds as the player with most updates has. Everybody plays in the last round, and in each
    round the players move by the update rule, one after another unless another rule is chosen.

    A batch carries all the real data of one iteration: ``[rounds * B, ...]``, or a pair or a
    dictionary of that and labels. ``trainer.global_step`` counts updates of the last player, the
    generator.

    Args:
        generator: Network from latents ``[B, Z]`` to data ``[B, C, H, W]`` or ``[B, D]``.
        latent_prior: Distribution of the latents.
        optimizers: For each player's name, a function from parameters to an optimizer.
        updates: How the players move in a round.
        lookahead: From that rule to one that looks back at the end of iterations, or None.
        schedule: From an optimizer to a learning rate schedule, stepped once for each generator
            update; None keeps the rates constant.
        gradient_clipping: Called with a player's parameters before each of its steps, or None.
        ema: From the generator to the average of its weights that samples are drawn from, or None.
        accumulation_steps: Parts in which the data of one update pass through the networks, at
            least 1; their gradients add up to that of the whole, for losses that are means over
            samples and networks without batch statistics, in less memory.
        non_finite_tolerance: Updates with a term or a gradient that is not finite that are left
            out before the run stops, at least 0.
        batch_keys: Names of ``data`` and ``labels`` in batches that are dictionaries, or None.

    Raises:
        InputError: if one of the numbers is out of range, a part is none that a game can be
            played with, or a player has no optimizer.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        latent_prior: LatentPrior,
        optimizers: Mapping[str, Callable[..., Optimizer]] = FROM_CONFIG,
        updates: UpdateRule = FROM_CONFIG,
        lookahead: Callable[[UpdateRule], UpdateRule] | None = FROM_CONFIG,
        schedule: Callable[[Optimizer], LRScheduler] | None = FROM_CONFIG,
        gradient_clipping: Callable[[list[nn.Parameter]], None] | None = FROM_CONFIG,
        ema: Callable[[nn.Module], MovingAverage] | None = FROM_CONFIG,
        accumulation_steps: int = FROM_CONFIG,
        non_finite_tolerance: int = FROM_CONFIG,
        batch_keys: Mapping[str, str | None] | None = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_parts(generator, latent_prior, optimizers, updates)
        check_functions(lookahead=lookahead, schedule=schedule, ema=ema)
        check_functions(gradient_clipping=gradient_clipping)
        check_whole(accumulation_steps=accumulation_steps)
        self.automatic_optimization = False
        self.generator = generator
        self.latent_prior = latent_prior
        self.averaged = ema(generator) if ema else None
        self.updates = lookahead(updates) if lookahead else updates
        self.accumulation_steps = int(accumulation_steps)
        self.recipe: Recipe | None = None
        self._optimizer_factories = dict(optimizers)
        self._schedule = schedule
        self._gradient_clipping = gradient_clipping
        self._finite = FiniteCheck(non_finite_tolerance)
        self._record = Record()
        self.batch_keys = BatchKeys(batch_keys)
        self.known_sizes: set[int] = set()
        self._local: local_state.LocalState | None = None
        _check_pieces(self.updates, self.accumulation_steps)

    @abstractmethod
    def players(self) -> Sequence[Player]:
        """The players in the order of their updates; the generator comes last."""

    def begin(self, iteration: int) -> None:
        """Make ready for the iteration of this number, from 0."""

    def constrain(self, player: Player) -> None:
        """Project a player's parameters onto its feasible set, after each of its updates."""

    @abstractmethod
    def check_fit(self, data: Tensor, labels: Tensor | None) -> None:
        """Refuse networks that do not fit the real data ``[B, ...]``, before the first update.

        Raises:
            InputError: naming the network.
        """

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One iteration: in each round, those whose turn it is move by the update rule."""
        self._finite.look(before=self.global_step - 1)  # the last one is still being computed
        self.begin(self.global_step)
        moves: list[Move] = []
        for dealt in rounds(self._turns.values(), self._shares(batch), self.global_step):
            moves = [Move(self, turn, share) for turn, share in dealt]
            self.updates.play(moves)
        self.updates.finish(moves)
        self._after_iteration()

    def take_step(self, move: Move, *, counted: bool) -> None:
        """Step with the gradients that are in place, and keep the terms of the update.

        Args:
            move: Whose step it is.
            counted: False for a step that is taken back.
        """
        self._move = move
        # Lightning counts every step taken through its wrapper, and global_step counts the
        # generator's alone: the others step through the strategy, which does the same otherwise.
        if counted and move.turn is list(self._turns.values())[-1]:
            move.turn.optimizer.step()
        else:
            self.trainer.strategy.optimizer_step(move.optimizer, lambda: None, self)
        self.constrain(move.turn.player)
        if counted:
            self._record.add(move.turn.player, move.terms)

    @property
    def latest_terms(self) -> Terms:
        """Scalars of the last updates: ``"generator/adversarial"``, ``"discriminator/loss"``, ...

        ``"generator/gradient_norm"`` is the Euclidean norm of the whole gradient before clipping.
        """
        return self._record.latest

    def configure_optimizers(self) -> Any:
        """One optimizer, and one schedule where there is any, for each player, with its name."""
        optimizers = optimizers_of(self.players(), self._optimizer_factories)
        check_precision(optimizers, self.updates, scaled=self._is_scaled)
        return optimizers, schedules_of(self.players(), optimizers, self._schedule)

    @property
    def class_names(self) -> Sequence[str] | None:
        """The name of each class, as the data had them in training; None without names."""
        return self.recipe["dataset"].get("class_names") if self.recipe else None

    def configure_callbacks(self) -> list[Any]:
        """Add none; refuse a Trainer's arguments here, before Lightning does without advice."""
        check_trainer(self.trainer)
        return super().configure_callbacks()

    def setup(self, stage: str) -> None:
        """Refuse a strategy that cannot train a game, before it starts its work."""
        check_strategy(self.trainer)
        super().setup(stage)

    def on_train_start(self) -> None:
        """Seat the players, and go on from what a checkpoint says of this process."""
        if not self.training:
            self.train()  # Lightning would train a model that was loaded in evaluation mode
        self._monitors_checked = False
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        self._turns = seat(self.players(), optimizers)
        if self.recipe is not None:
            names = class_names(self.trainer, getattr(self, "num_classes", None))
            self.recipe["dataset"]["class_names"] = names
        schedules = self.lr_schedulers() or []
        self._schedules = schedules if isinstance(schedules, list) else [schedules]
        say_new_end(self._schedules)
        self._fits = self._local is not None  # looking again would draw random numbers
        check_last_batch(self.trainer, self.check_size)
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
        move, norm = self._move, gradient_norm(self._move.parameters)
        move.terms[GRADIENT_NORM] = norm
        later = self._finite.may_look_later(norm, move.scale)
        if later:
            self._finite.look_later(move.turn.player, move.terms, self.global_step)
        if not later and not norm.isfinite():
            self._finite.refuse(move.turn.player, move.terms, move.scale, self.global_step)
            optimizer.zero_grad()
        elif self._gradient_clipping is not None:
            self._gradient_clipping(move.parameters)

    def on_train_end(self) -> None:
        """End with the same values of all terms in every process."""
        self._finite.look()
        self._record.agree(self.trainer)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the checkpoint describe itself, and keep what each process needs to go on.

        Raises:
            NonFiniteError: if an update so far was not finite: it is not saved.
        """
        self._finite.look()
        checkpoint["ganzoo"] = {
            "version": __version__,
            "recipe": self.recipe,
            "updates": self.updates.state_dict(),
            "processes": local_state.capture(self, self._record.latest, self._finite.skipped),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the checkpoint of another model; take up this process's random numbers."""
        check_same_model(self.recipe, self.state_dict(), checkpoint)
        self.updates.load_state_dict(checkpoint["ganzoo"]["updates"])
        self._local = local_state.of_this_process(checkpoint, self.global_rank)
        if self._local:
            local_state.restore_random_states(self._local["random"], self.device)

    @property
    def _is_scaled(self) -> bool:
        plugin = getattr(self._trainer, "precision_plugin", None)
        return getattr(plugin, "scaler", None) is not None

    def _shares(self, batch: Any) -> list[Share]:
        count = max(turn.player.steps for turn in self._turns.values())
        data, labels = self.read_batch(batch, look=not self._fits)
        self.check_new_size(len(data))
        if not self._fits:
            self.check_fit(data, labels)
            say_what_a_batch_is(self.trainer, len(data), count)
            self._fits = True
        return split(data, labels, count)

    def _after_iteration(self) -> None:
        if self.averaged is not None:
            self.averaged.update(self.generator, self.global_step)
        for schedule in self._schedules:
            schedule.step()  # type: ignore[call-arg]
        self._record.show(self.trainer)
        if not self._monitors_checked:
            check_monitored(self.trainer, self._record.latest)
            self._monitors_checked = True
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        if every and self.global_step % every == 0:
            self._record.publish(self.trainer, self.global_step)


def _check_pieces(updates: UpdateRule, accumulation_steps: int) -> None:
    if updates.differentiates_twice and accumulation_steps > 1:
        raise InputError(
            f"{type(updates).__name__} differentiates gradients, which needs the data of an update "
            "in one piece: set model.accumulation_steps=1"
        )
