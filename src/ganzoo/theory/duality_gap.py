"""How much either player could still gain if only it went on: the duality gap of a game."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganzoo.errors import check_positive, check_whole

NetworkValue = Callable[[nn.Module, nn.Module], Tensor]
"""V of a discriminator and a generator, a scalar."""


@dataclass(frozen=True)
class DualityGap:
    """An estimate of the duality gap.

    Attributes:
        highest: V with the better discriminator and the generator as it is.
        lowest: V with the discriminator as it is and the better generator.
    """

    highest: float
    lowest: float

    @property
    def gap(self) -> float:
        """``highest - lowest``, at least 0 for an objective without chance in it."""
        return self.highest - self.lowest


def duality_gap(
    objective: NetworkValue,
    discriminator: nn.Module,
    generator: nn.Module,
    steps: int,
    learning_rate: float,
) -> DualityGap:
    """Estimate ``max_D' V(D', G) - min_G' V(D, G')``, which is 0 where neither player can gain.

    Grnarova et al. (2019, arXiv:1811.05512), section 3: copies of the players take some gradient
    steps, each against the other as it is. A lower bound of the gap, as the copies may stop short
    of the best; at a point without gradients it is 0 even if the point is no equilibrium.

    Departures: the copies take Adam steps; each keeps the best value that it meets, the one it
    starts with included. So the gap is never negative, but an objective with chance in it, as one
    that draws a batch at each call, gives too high values: let it keep its batch. The authors
    train and judge on different data, which such an objective leaves to the caller.

    Args:
        objective: V, of a discriminator and a generator, a scalar that the first is to make high
            and the second low. It gets copies in the mode (training or not) of the originals.
        discriminator: left untouched, as its buffers and gradients are.
        generator: likewise.
        steps: of each copy, at least 0.
        learning_rate: of Adam, positive.

    Raises:
        InputError: if steps or learning_rate are out of range.
    """
    check_whole(0, steps=steps)
    check_positive(learning_rate=learning_rate)

    def best(player: nn.Module, cost: Callable[[nn.Module], Tensor]) -> float:
        return _least_cost(player, cost, steps, learning_rate)

    with torch.enable_grad():
        against_generator, against_discriminator = _frozen(generator), _frozen(discriminator)
        highest = -best(discriminator, lambda player: -objective(player, against_generator))
        lowest = best(generator, lambda player: objective(against_discriminator, player))
    return DualityGap(highest, lowest)


def _frozen(player: nn.Module) -> nn.Module:
    return copy.deepcopy(player).requires_grad_(False)


def _least_cost(
    player: nn.Module,
    cost: Callable[[nn.Module], Tensor],
    steps: int,
    learning_rate: float,
) -> float:
    """The least cost that a copy of a player meets on its way."""
    moving = copy.deepcopy(player).requires_grad_()
    optimizer = torch.optim.Adam(moving.parameters(), lr=learning_rate)
    costs = [float(cost(moving).detach())]
    for _ in range(steps):
        current = cost(moving)
        costs.append(float(current.detach()))
        _step(optimizer, list(moving.parameters()), current)
    return min([*costs, float(cost(moving).detach())])


def _step(optimizer: torch.optim.Adam, parameters: list[nn.Parameter], cost: Tensor) -> None:
    gradients = torch.autograd.grad(cost, parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
