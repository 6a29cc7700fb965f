"""Data parallel training of a game: each optimizer step averages its own player's gradients."""

from typing import Any

import torch
import torch.distributed
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy, StrategyRegistry
from torch import Tensor, nn

from ganzoo.errors import InputError

NAME = "player_parallel"


class PlayerParallelStrategy(DDPStrategy):
    """One process a device; gradients are averaged once per optimizer step, for its player alone.

    ``DistributedDataParallel`` ties averaging to each backward pass and expects it to reach every
    parameter of the module, which no update of a game does. Here the module is not wrapped: the
    game asks for its player's gradients to be averaged after the backward passes and before the
    step, so that any number of passes, double backward and unused parameters are fine, and only
    that player's gradients are sent.
    """

    strategy_name = NAME

    def configure_ddp(self) -> None:
        """Start every process from the first one's weights and buffers, without a wrapper."""
        assert isinstance(self.model, nn.Module)
        with torch.no_grad():
            for tensor in (*self.model.parameters(), *self.model.buffers()):
                torch.distributed.broadcast(tensor, src=0)

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all processes.

        Parameters without a gradient are left out; they must be the same in every process.
        """
        gradients = [p.grad for p in parameters if p.grad is not None]
        for group in _by_type(gradients):
            sizes = [gradient.numel() for gradient in group]
            flat = torch.cat([gradient.flatten() for gradient in group])
            torch.distributed.all_reduce(flat)
            flat /= self.world_size
            for gradient, mean in zip(group, torch.split(flat, sizes), strict=True):
                gradient.copy_(mean.view_as(gradient))

    @classmethod
    def register_strategies(cls, strategy_registry: Any) -> None:
        """Let ``Trainer(strategy="player_parallel")`` find this strategy."""
        strategy_registry.register(NAME, cls, description="gradients averaged for each player")


def check_strategy(trainer: Trainer) -> None:
    """Refuse to train on several devices with a strategy that averages in each backward pass.

    Raises:
        InputError: naming the strategy to use instead.
    """
    if trainer.world_size > 1 and not isinstance(trainer.strategy, PlayerParallelStrategy):
        raise InputError(
            f"a game does not train with {type(trainer.strategy).__name__}: "
            f"use Trainer(strategy={NAME!r})"
        )


def _by_type(gradients: list[Tensor]) -> list[list[Tensor]]:
    groups: dict[torch.dtype, list[Tensor]] = {}
    for gradient in gradients:
        groups.setdefault(gradient.dtype, []).append(gradient)
    return list(groups.values())


if NAME not in StrategyRegistry:
    PlayerParallelStrategy.register_strategies(StrategyRegistry)
