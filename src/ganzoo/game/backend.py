"""What carries out a player's backward passes and steps: torch alone, or Lightning's Trainer."""

from typing import Any

import torch
from lightning.pytorch.core.optimizer import do_nothing_closure
from torch import Tensor, nn

from ganzoo.strategies.player_parallel import PlayerParallelStrategy


class TorchBackend:
    """Backward passes and steps by torch alone, in one process and in full precision.

    Attributes:
        keeps_logits: Whether players shall keep their logits for parts that adapt to the game.
        scaler: What scales losses in mixed precision, or None.
        micro_batches: Parts in which a minibatch passes through the networks.
        averages: Whether gradients are averaged over processes.
    """

    keeps_logits = True
    scaler: Any = None
    micro_batches = 1
    averages = False

    def scale(self) -> float:
        """By what losses are multiplied before their backward pass."""
        return 1.0

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss to those that are in place."""
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]

    def average(self, parameters: list[nn.Parameter], loss: Tensor) -> None:
        """Replace gradients by their means over processes."""

    def step(self, player: Any, *, counted: bool) -> None:
        """Step with the gradients that are in place.

        Args:
            player: Whose step it is.
            counted: False for a step that is taken back.
        """
        player.optimizer.step()
        for constraint in player.constraints:
            constraint.project(player.parameters)
        player.step_number += counted


class LightningBackend:
    """Backward passes and steps as the Trainer's precision and strategy want them.

    Args:
        module: The :class:`~ganzoo.game.module.AdversarialModule` that is trained.
        keeps_logits: Whether players shall keep their logits for parts that adapt to the game.
    """

    def __init__(self, module: Any, *, keeps_logits: bool) -> None:
        self._module, self._strategy = module, module.trainer.strategy
        self.scaler = getattr(module.trainer.precision_plugin, "scaler", None)
        self.averages = isinstance(self._strategy, PlayerParallelStrategy)
        self.micro_batches = module.micro_batches
        self.keeps_logits = keeps_logits

    def scale(self) -> float:
        """By what a gradient scaler multiplies losses before their backward pass, else 1."""
        return float(self.scaler.get_scale()) if self.scaler else 1.0

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a loss, scaled where the precision asks for it."""
        with torch.autocast(loss.device.type, enabled=False):  # as torch's guide on AMP asks
            self._module.manual_backward(loss)

    @torch.no_grad()
    def average(self, parameters: list[nn.Parameter], loss: Tensor) -> None:
        """Replace gradients by their means over processes.

        They become not finite where a loss is not, which tells all processes.
        """
        assert isinstance(self._strategy, PlayerParallelStrategy)
        first = next((p.grad for p in parameters if p.grad is not None), None)
        if first is not None:
            first.add_(0.0 * loss)
        self._strategy.average_gradients(parameters)

    def step(self, player: Any, *, counted: bool) -> None:
        """Step with the gradients that are in place, and let the module see it.

        Lightning counts every step taken through its wrapper of an optimizer, and global_step
        counts iterations: all steps but an iteration's last one go through the strategy, which
        does the same otherwise.
        """
        module = self._module
        module.stepping = player
        if self.scaler:
            player.follow_scale(self.scale())
        if counted and player.ends_iterations and player.minibatch.remaining == 0:
            player.lightning_optimizer.step()
        else:
            self._strategy.optimizer_step(player.optimizer, do_nothing_closure, module)
        module.finish_step(player, counted=counted)
