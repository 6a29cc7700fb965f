"""Games whose players' parameters are one vector, with the field of their gradients."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.game.player import Player
from ganzoo.optim.derivatives import Vector, gradients
from ganzoo.theory.differentiation import eigenvalues, jacobian_by_differences


class DifferentiableGame:
    """The players of a game, who each minimise a loss of their own, as a vector field.

    A *point* is the vector ``[N]`` of all parameters, one player after the other. The game moves
    by ``dx/dt = -v(x)`` with the field

        v(x) = (grad_1 L_1(x), grad_2 L_2(x), ...),

    the gradient of each player's loss by that player's own parameters, as in Balduzzi et
    al. (2018, arXiv:1802.05642). Mescheder et al. (2017, arXiv:1705.10461) write v for
    its negative, since their players maximise.

    The players are those that train (:class:`ganzoo.game.player.Player`): their losses are
    computed, with penalties, as update rules compute them. Whatever asks for a value at a point
    moves them there. The losses are taken as functions of the parameters alone: random numbers are
    the same each time, and leave the caller's random state as it is.

    Args:
        players: In the order in which they step. Analyses need parameters in float64.
        equilibrium: The point ``[N]`` that is known from theory to be one, or None.

    Attributes:
        players: As given.
        equilibrium: As given.
        sizes: How many parameters each player has, by name.
        slices: Where in a point they are.
        size: N.

    Raises:
        InputError: if there is no player, or one has no parameters.
    """

    def __init__(self, *, players: Sequence[Player], equilibrium: Tensor | None) -> None:
        self.players, self.equilibrium = list(players), equilibrium
        self.sizes = {p.name: sum(t.numel() for t in p.parameters) for p in players}
        if not players or 0 in self.sizes.values():
            raise InputError("a game needs players, and each of them parameters to move")
        self.slices: dict[str, slice] = {}
        self.size = 0
        for name, size in self.sizes.items():
            self.slices[name] = slice(self.size, self.size + size)
            self.size += size
        for player in self.players:
            player.meet(self.players)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The tensors of all players, in the order of a point."""
        return [parameter for player in self.players for parameter in player.parameters]

    @property
    def point(self) -> Tensor:
        """Where the players are, ``[N]``, a copy."""
        return as_vector(self.parameters).detach()

    @torch.no_grad()
    def move_to(self, point: Tensor) -> None:
        """Put the players at a point ``[N]``.

        Raises:
            InputError: if it has not as many numbers as the players have parameters.
        """
        for parameter, values in zip(self.parameters, self.unflatten(point), strict=True):
            parameter.copy_(values)

    def split(self, point: Tensor) -> dict[str, Tensor]:
        """Cut a point ``[N]`` into the players' parts, by name.

        Raises:
            InputError: if it has not as many numbers as the players have parameters.
        """
        if point.shape != (self.size,):
            sizes = ", ".join(f"{player} {size}" for player, size in self.sizes.items())
            raise InputError(
                f"a point of this game is a vector of {self.size} numbers ({sizes}), not a tensor "
                f"of shape {list(point.shape)}"
            )
        return {player: point[own] for player, own in self.slices.items()}

    def unflatten(self, point: Tensor) -> list[Tensor]:
        """Cut a point ``[N]`` into tensors of the parameters' shapes, types and devices."""
        self.split(point)
        parts = torch.split(point, [parameter.numel() for parameter in self.parameters])
        return [part.to(p).view_as(p) for part, p in zip(parts, self.parameters, strict=True)]

    def gradients(self, *, differentiable: bool = False) -> Vector:
        """The gradient of each player's loss by its own parameters, where the players are.

        Args:
            differentiable: Whether they shall be functions of everybody's parameters.

        Returns:
            A tensor for each of :attr:`parameters`.
        """
        with torch.enable_grad(), torch.random.fork_rng(devices=[]):
            return [
                gradient
                for player in self.players
                for gradient in gradients(
                    player.loss(), player.parameters, differentiable=differentiable
                )
            ]

    def field(self, point: Tensor) -> Tensor:
        """The field v ``[N]`` at a point ``[N]``, without a graph."""
        self.move_to(point)
        return as_vector(self.gradients()).detach()

    def jacobian(self, point: Tensor) -> Tensor:
        """The Jacobian of v at a point: ``[N, N]``, its rows the entries of v.

        By automatic differentiation; columns with an entry that it leaves undefined, as 0/0 in the
        derivative of a norm at zero, are central differences of v.
        """
        self.move_to(point)
        entries = as_vector(self.gradients(differentiable=True))
        matrix = torch.stack([as_vector(gradients(entry, self.parameters)) for entry in entries])
        if not matrix.isfinite().all():
            undefined = (~matrix.isfinite()).any(dim=0)
            matrix[:, undefined] = jacobian_by_differences(self.field, point)[0][:, undefined]
        return matrix

    def eigenvalues(self, point: Tensor) -> Tensor:
        """The eigenvalues of the Jacobian of v, complex ``[N]``.

        The dynamics ``dx/dt = -v(x)`` have the negatives of these.
        """
        return eigenvalues(self.jacobian(point))


def as_vector(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors of any shapes in one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])
