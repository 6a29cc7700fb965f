"""A term that holds a player near the mean of where it has been."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32


@defaults_from("penalty/historical_averaging")
class HistoricalAveraging(Penalty):
    """Draw a player's parameters to their mean over all its updates.

    Salimans et al. (2016, arXiv:1606.03498), section 3.3: ``||theta - 1/t sum_i theta[i]||^2``,
    over all parameters together. Gradient descent circles around the equilibria of some games;
    the mean of a circle lies near its centre, and the term leads there.

    The mean is the arithmetic one: all parameters that the player has had count the same, from
    those it started with to those it has now, so that the term is zero at first, and the mean
    changes ever more slowly. It changes once in every step, also where the term is lazy, and the
    gradient does not flow into it. It is as large as the network and is saved with the model.

    Departures: none.

    Args:
        term: see :class:`~ganzoo.penalties.base.Penalty`; the paper gives no weight.

    Raises:
        InputError: if a number is out of range.
    """

    role = ""
    count: Tensor

    def __init__(self, **term: Any) -> None:
        super().__init__(**term)
        self.register_buffer("count", torch.ones((), dtype=torch.int64))

    def attach(self, modules: Sequence[nn.Module]) -> None:
        """Begin with the parameters that the player starts with."""
        for index, parameter in enumerate(trained_parameters(modules)):
            self.register_buffer(f"mean_{index}", at_least_float32(parameter.detach()).clone())

    def value(self, context: Context) -> Tensor:
        """Sum the squared distances of the player's parameters to their means."""
        pairs = zip(trained_parameters(context.player.modules), self.means(), strict=True)
        distances = [(at_least_float32(now) - mean).square().sum() for now, mean in pairs]
        return torch.stack(distances).sum()

    def means(self) -> list[Tensor]:
        """The mean of each parameter so far."""
        return [buffer for name, buffer in self.named_buffers() if name.startswith("mean_")]

    @torch.no_grad()
    def after_step(self, player: Any) -> None:
        """Take the player's parameters into the mean."""
        if player.name == self.on:
            self.count += 1
            for mean, parameter in zip(self.means(), player.parameters, strict=True):
                mean.lerp_(parameter.to(mean.dtype), 1 / self.count.to(mean.dtype))


def trained_parameters(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    """The parameters in modules that require gradients, each once.

    Where a copy of a player looks ahead, its modules run with other parameters than its own.
    """
    found = {id(p): p for module in modules for p in module.parameters()}
    return [p for p in found.values() if p.requires_grad]
