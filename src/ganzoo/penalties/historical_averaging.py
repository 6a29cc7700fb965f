"""A term that holds a player near the mean of where it has been."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Term, full_precision
from ganzoo.penalties.scene import Scene
from ganzoo.precision import at_least_float32


@defaults_from("penalty/historical_averaging")
class HistoricalAveraging(Term):
    """Draw a player's parameters to their mean over all its updates.

    Salimans et al. (2016, arXiv:1606.03498), section 3.3: ``||theta - 1/t sum_i theta[i]||^2``,
    over all parameters together. Gradient descent circles around the equilibria of some games;
    the mean of a circle lies near its centre, and the term leads there.

    The mean is the arithmetic one: all parameters that the player has had count the same, from
    those it started with to those it has now, so that the term is zero at first, and the mean
    moves ever more slowly. It moves once in every update, also where the term is lazy, and the
    gradient does not flow into it. It is as large as the network and is saved with the model.

    Departures: none.

    Args:
        weight: see :class:`Term`; the paper gives none.
        interval: see :class:`Term`.
        player: whose parameters, "discriminator" or "generator".

    Raises:
        InputError: if a number is out of range.
    """

    count: Tensor

    def __init__(
        self, *, weight: float = FROM_CONFIG, interval: int = FROM_CONFIG, player: str = FROM_CONFIG
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        self.player = player
        self.names: list[str] = []
        self.register_buffer("count", torch.ones((), dtype=torch.int64))

    def attach(self, networks: Mapping[str, nn.Module]) -> None:
        """Begin with the parameters that the player starts with."""
        if self.player in networks:
            self._begin(networks[self.player])

    def forward(self, network: nn.Module) -> Tensor:
        """Compute the term as it enters the loss: a scalar."""
        if not self.names:
            self._begin(network)
        parameters = dict(network.named_parameters())
        with full_precision(self.count.device):
            distances = [
                (at_least_float32(parameters[name]) - mean).square().sum()
                for name, mean in zip(self.names, self.means(), strict=True)
            ]
            return self.weighted(torch.stack(distances).sum())

    def term(self, scene: Scene) -> Tensor:
        """Compute the term of one update of the game: a scalar."""
        term: Tensor = self(scene.networks[self.player])
        return term

    def means(self) -> list[Tensor]:
        """The mean of each parameter so far."""
        return [buffer for name, buffer in self.named_buffers() if name.startswith("mean_")]

    @torch.no_grad()
    def project(self, parameters: Sequence[nn.Parameter]) -> None:
        """Take the parameters into the mean, after each update; they stay where they are."""
        self.count += 1
        for mean, parameter in zip(self.means(), parameters, strict=True):
            mean.lerp_(parameter.to(mean.dtype), 1 / self.count.to(mean.dtype))

    def _begin(self, network: nn.Module) -> None:
        for index, (name, parameter) in enumerate(network.named_parameters()):
            if parameter.requires_grad:
                self.names.append(name)
                self.register_buffer(f"mean_{index}", at_least_float32(parameter.detach()).clone())
