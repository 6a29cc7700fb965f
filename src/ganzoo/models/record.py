"""The latest value of every term, kept without waiting for the device."""

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ganzoo.models.player import Player, Terms
from ganzoo.precision import at_least_float32

LOSS, GRADIENT_NORM = "loss", "gradient_norm"
"""Names under which the sum of an objective's terms and its gradient's norm stand beside them."""


class Record:
    """Keeps the terms of each player's last update, so that a term cannot be trained unlogged.

    Terms that are not part of every update (lazy penalties) stay with their last value. Callbacks
    see them after every iteration in ``trainer.callback_metrics``: those of their own process, and
    the means over all processes where they are logged and when training ends.
    """

    def __init__(self) -> None:
        self.latest: Terms = {}

    def add(self, player: Player, terms: Terms) -> None:
        """Keep the terms of one update."""
        for name, value in terms.items():
            self.latest[f"{player.name}/{name}"] = value

    def show(self, trainer: Trainer) -> None:
        """Let callbacks see the terms of this process, where they are, without waiting for them."""
        trainer.callback_metrics.update(self.latest)

    def agree(self, trainer: Trainer) -> dict[str, Tensor]:
        """Let callbacks see the means over all processes, and return them."""
        if not self.latest:
            return {}
        mine = torch.stack([at_least_float32(term) for term in self.latest.values()])
        mean: Tensor = trainer.strategy.reduce(mine, reduce_op="mean")
        values = dict(zip(self.latest, mean.unbind(), strict=True))
        trainer.callback_metrics.update(values)
        return values

    def publish(self, trainer: Trainer, step: int) -> None:
        """Log the means over all processes, now.

        Lightning's own way to the loggers leads past the callbacks of the iteration: a checkpoint
        that one of them saves would come before the row that belongs to it, and a run that was
        killed in between would go on without that row.
        """
        means = self.agree(trainer)
        numbers = torch.stack(list(means.values())).tolist()
        values = dict(zip(means, numbers, strict=True))
        trainer.logged_metrics.update(means)
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)
            logger.save()

    def restore(self, terms: Terms, device: torch.device) -> None:
        """Go on from the terms of a checkpoint."""
        self.latest = {name: value.to(device) for name, value in terms.items()}


def total(terms: Terms) -> Tensor:
    """The sum of an objective's terms, in float32 or better."""
    return torch.stack([at_least_float32(term) for term in terms.values()]).sum()


def add_up(parts: list[Terms]) -> Terms:
    """The sums of the terms of several backward passes, each of the same terms, without graphs."""
    if len(parts) == 1:
        return {name: term.detach() for name, term in parts[0].items()}
    return {name: torch.stack([terms[name].detach() for terms in parts]).sum() for name in parts[0]}


def scaled(terms: Terms, factor: float) -> Terms:
    """Every term times a factor."""
    return terms if factor == 1.0 else {name: factor * term for name, term in terms.items()}
