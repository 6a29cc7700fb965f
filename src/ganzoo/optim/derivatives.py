"""Gradients of the objectives of a game that can be differentiated once more."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ganzoo.optim.base import SteppingPlayer
from ganzoo.strategies.across_devices import mean_across_devices

Vector = list[Tensor]
"""A direction for one player: a tensor for each of its parameters."""


def gradients(
    value: Tensor, parameters: Sequence[Tensor], *, differentiable: bool = False
) -> Vector:
    """The gradient of a scalar; zeros where it does not depend on a parameter.

    The graph stays, for more gradients of the same.

    Args:
        value: The scalar.
        parameters: By what it is differentiated.
        differentiable: Whether the gradient shall be a function of the parameters too.
    """
    if not value.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    return list(
        torch.autograd.grad(
            value,
            parameters,
            create_graph=differentiable,
            retain_graph=True,
            allow_unused=True,
            materialize_grads=True,
        )
    )


def cross_gradients(players: Sequence[SteppingPlayer]) -> list[list[Vector]]:
    """Each player's objective, differentiated by the parameters of each.

    Returns:
        At ``[i][j]`` the gradient of player i's objective by player j's parameters, a function
        of all parameters.
    """
    everything = [parameter for player in players for parameter in player.parameters]
    crossed = []
    for player in players:
        flat = gradients(player.loss(), everything, differentiable=True)
        crossed.append(by_player(flat, players))
    return crossed


def by_player(flat: Sequence[Tensor], players: Sequence[SteppingPlayer]) -> list[Vector]:
    """Divide a list with a tensor for each parameter of all players among the players."""
    rest = iter(flat)
    return [[next(rest) for _ in player.parameters] for player in players]


def mean_vectors(vectors: Sequence[Vector]) -> list[Vector]:
    """The mean over processes of each player's vector, as constants."""
    flat = iter(mean_across_devices([part.detach() for vector in vectors for part in vector]))
    return [[next(flat) for _ in vector] for vector in vectors]


def inner_product(left: Sequence[Tensor], right: Sequence[Tensor]) -> Tensor:
    """The inner product of two lists of tensors of the same shapes, a scalar."""
    return torch.stack([(a * b).sum() for a, b in zip(left, right, strict=True)]).sum()


def weighted_sum(vector: Vector, weight: float | Tensor, other: Vector) -> Vector:
    """The vector plus weight times another."""
    return [a + weight * b for a, b in zip(vector, other, strict=True)]
