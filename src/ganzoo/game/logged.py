"""The latest value of every loss term, kept without waiting for the device."""

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ganzoo.losses.base import LossTerms
from ganzoo.precision import at_least_float32


class LatestTerms:
    """Keeps the terms of each player's last step, so that a term cannot be trained unlogged.

    Terms that are not part of every step (lazy penalties) stay with their last value. Callbacks
    see them after every iteration in ``trainer.callback_metrics``: those of their own process, and
    the means over all processes where they are logged and when training ends.

    Attributes:
        values: The terms, as ``"generator/adversarial"``.
    """

    def __init__(self) -> None:
        self.values: LossTerms = {}

    def average(self, trainer: Trainer) -> dict[str, Tensor]:
        """Let callbacks see the means over all processes, and return them."""
        if not self.values:
            return {}
        mine = torch.stack([at_least_float32(term) for term in self.values.values()])
        mean: Tensor = trainer.strategy.reduce(mine, reduce_op="mean")
        values = dict(zip(self.values, mean.unbind(), strict=True))
        trainer.callback_metrics.update(values)
        return values

    def log(self, trainer: Trainer, step: int) -> None:
        """Log the means over all processes, now.

        Lightning's own way to the loggers leads past the callbacks of the iteration: a checkpoint
        that one of them saves would come before the row that belongs to it, and a run that was
        killed in between would go on without that row.
        """
        means = self.average(trainer)
        numbers = torch.stack(list(means.values())).tolist()
        values = dict(zip(means, numbers, strict=True))
        trainer.logged_metrics.update(means)
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)
            logger.save()

    def restore(self, terms: LossTerms, device: torch.device) -> None:
        """Go on from the terms of a checkpoint."""
        self.values = {name: value.to(device) for name, value in terms.items()}
