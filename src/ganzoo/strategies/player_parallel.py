"""Data parallel training of a game: each optimizer step averages its own player's gradients."""

import os
import time
from typing import Any

import torch
import torch.distributed
from lightning.pytorch import Trainer
from lightning.pytorch.plugins import TorchSyncBatchNorm
from lightning.pytorch.strategies import (
    DDPStrategy,
    DeepSpeedStrategy,
    FSDPStrategy,
    ModelParallelStrategy,
    SingleDeviceStrategy,
    Strategy,
    StrategyRegistry,
)
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.strategies import failures
from ganzoo.strategies.gradients import average_gradients

NAME = "player_parallel"
NOTEBOOK = "player_parallel_notebook"
"""The name for notebooks, where processes can only be forked."""

_SHARDING = (FSDPStrategy, ModelParallelStrategy, DeepSpeedStrategy)


class PlayerParallelStrategy(DDPStrategy):
    """One process a device; gradients are averaged once per optimizer step, for its player alone.

    ``DistributedDataParallel`` ties averaging to each backward pass and expects it to reach every
    parameter of the module, which no update of a game does. Here the module is not wrapped: the
    game asks for its player's gradients to be averaged after the backward passes and before the
    step, so that any number of passes, double backward and unused parameters are fine, and only
    that player's gradients are sent. All of them are sent at once, after the backward passes:
    sending parts while a pass is still running was measured (``benchmarks/devices.py``) and did
    not pay.

    If one process fails, its error is shown, the others end within seconds, and what they were
    waiting for says which process failed first.

    Attributes:
        lost: After a failure that was another process's, one line that says so; else None.
    """

    strategy_name = NAME

    lost: str | None = None
    _failures: failures.Failures | None = None
    _launcher_process: failures.Launcher | None = None
    _failed = False

    def setup_environment(self) -> None:
        """Meet the other processes."""
        self.lost, self._failed = None, False
        self._launcher_process = failures.Launcher(self.local_rank)
        super().setup_environment()
        self._failures = failures.Failures(self.global_rank, self.world_size)

    def setup(self, trainer: Trainer) -> None:
        """Place the model.

        Raises:
            InputError: if batch normalisation shall be synchronised on CPUs, which torch cannot.
        """
        if isinstance(self._layer_sync, TorchSyncBatchNorm) and self.root_device.type == "cpu":
            raise InputError(
                "sync_batchnorm=True needs GPUs: on CPUs set trainer.sync_batchnorm=false"
            )
        super().setup(trainer)

    def configure_ddp(self) -> None:
        """Start every process from the first one's weights and buffers, without a wrapper."""
        assert isinstance(self.model, nn.Module)
        _share([*self.model.parameters(), *self.model.buffers()])

    def on_train_end(self) -> None:
        """End every process with the first one's buffers: running statistics are each one's own."""
        assert isinstance(self.model, nn.Module)
        _share(list(self.model.buffers()))

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all processes; all of them must call this."""
        average_gradients(parameters, self.world_size)

    def on_exception(self, exception: BaseException) -> None:
        """Name the process that failed first, and leave none behind."""
        super().on_exception(exception)
        if self._failures is None or isinstance(exception, KeyboardInterrupt):
            return  # Lightning ends the processes that it launched
        self._failed = True
        children = self._take_children()
        if failures.is_lost_connection(exception):
            time.sleep(0.5)  # what caused it may be writing that down just now
        self.lost = failures.name_lost_connection(exception, self._cause(self._failures, children))
        if self.local_rank == 0:
            failures.end_children(children, self._failures)
        else:
            failures.end_after_limit(self._failures)

    def teardown(self) -> None:
        """Put the model back on the CPU."""
        super().teardown()
        if self._launcher_process is not None and not self._failed:
            self._launcher_process.leave()

    def _configure_launcher(self) -> None:
        super()._configure_launcher()
        assert self.cluster_environment is not None
        if not self.cluster_environment.creates_processes_externally:
            os.environ[failures.LAUNCHER] = str(os.getpid())

    def _take_children(self) -> failures.Children:
        # Taken out of Lightning's own watch, which would kill this process, and the runs that
        # follow in a sweep, because a child has ended.
        if not isinstance(self.launcher, _SubprocessScriptLauncher):
            return []
        children = list(self.launcher.procs)
        self.launcher.procs.clear()
        return children

    def _cause(self, reports: failures.Failures, children: failures.Children) -> str | None:
        assert self._launcher_process is not None
        if self._launcher_process.has_gone:
            return "the process that launched this one has ended"
        first = reports.report()
        if first != self.global_rank:
            return f"rank {first} failed first: see its error"
        return failures.failed_child(children, self.global_rank + 1)

    @classmethod
    def register_strategies(cls, strategy_registry: Any) -> None:
        """Let ``Trainer(strategy="player_parallel")`` find this strategy."""
        strategy_registry.register(NAME, cls, description="gradients averaged for each player")
        strategy_registry.register(
            NOTEBOOK, cls, description="the same in forked processes", start_method="fork"
        )


def share_gradients(strategy: Strategy, parameters: list[nn.Parameter]) -> None:
    """Replace gradients by their means over processes, where the strategy has several."""
    if isinstance(strategy, PlayerParallelStrategy):
        strategy.average_gradients(parameters)


def check_strategy(trainer: Trainer) -> None:
    """Refuse to train with any strategy but those that are known to suit a game.

    Raises:
        InputError: naming the strategy to use instead.
    """
    launcher = trainer.strategy.launcher
    notebook = launcher is not None and launcher.is_interactive_compatible
    _check_kind(type(trainer.strategy), NOTEBOOK if notebook else NAME)


def check_strategy_name(name: str) -> None:
    """The same for the name of a strategy, before Lightning asks for what it needs.

    Raises:
        InputError: naming the strategy to use instead.
    """
    if name in StrategyRegistry:
        _check_kind(StrategyRegistry[name]["strategy"], NAME)


def _check_kind(kind: type[Strategy], instead: str) -> None:
    if issubclass(kind, SingleDeviceStrategy | PlayerParallelStrategy):
        return
    reason = "averages gradients in each backward pass, of all players"
    if issubclass(kind, _SHARDING):
        reason = (
            "shards parameters across processes, while a player's update reads and averages"
            " whole gradients"
        )
    elif not issubclass(kind, DDPStrategy):
        reason = "is not known to average the gradients of one player"
    raise InputError(
        f"a game does not train with {kind.__name__}, which {reason}:"
        f" use Trainer(strategy={instead!r})"
    )


@torch.no_grad()
def _share(tensors: list[Tensor]) -> None:
    for tensor in tensors:
        torch.distributed.broadcast(tensor, src=0)


if NAME not in StrategyRegistry:
    PlayerParallelStrategy.register_strategies(StrategyRegistry)
