"""Games of several players who each minimise an objective of their own."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ganzoo.errors import InputError, check_whole
from ganzoo.theory.differentiation import derivative, eigenvalues, jacobian

Parameters = Mapping[str, Tensor]
"""Each player's parameters as a vector, by the player's name."""


class Game(ABC):
    """Objectives of named players over vectors of parameters.

    A *point* is the vector ``[N]`` of all parameters in float64, one player after the other. Each
    player minimises its own objective, so the game moves by ``dx/dt = -v(x)`` with the field

        v(x) = (grad_1 L_1(x), grad_2 L_2(x), ...),

    the gradient of each player's objective by that player's own parameters, as in Balduzzi et
    al. (2018, arXiv:1802.05642). Mescheder et al. (2017, arXiv:1705.10461) write v for
    its negative, since their players maximise.

    Args:
        sizes: how many parameters each player has, in the order in which players take turns; the
            names of a GAN's players are "discriminator" and "generator".

    Raises:
        InputError: if there is no player, or a size is not a whole number from 1.
    """

    def __init__(self, *, sizes: Mapping[str, int]) -> None:
        if not sizes:
            raise InputError("a game needs at least one player: name each one's size")
        check_whole(1, **sizes)
        self.sizes = dict(sizes)
        self.slices: dict[str, slice] = {}
        self.size = 0
        for player, size in self.sizes.items():
            self.slices[player] = slice(self.size, self.size + size)
            self.size += size

    @abstractmethod
    def objective(self, player: str, parameters: Parameters) -> Tensor:
        """What a player minimises, twice differentiable by all parameters: a scalar."""

    @property
    def equilibrium(self) -> Tensor | None:
        """The equilibrium ``[N]`` that is known from theory, or None."""
        return None

    def constrain(self, point: Tensor) -> Tensor:
        """Move a point to where players may be; every update ends with it."""
        return point

    def split(self, point: Tensor) -> dict[str, Tensor]:
        """Cut a point ``[N]`` into the players' parameters.

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

    def gradient(self, player: str, point: Tensor) -> Tensor:
        """The gradient of a player's objective by its own parameters.

        Args:
            player: its name.
            point: ``[N]``; if it requires a gradient, so can the result be differentiated.

        Returns:
            A vector of the player's size.

        Raises:
            InputError: if the point has another size, or the objective is no single number.
        """
        with torch.enable_grad():
            tracked = point if point.requires_grad else point.detach().requires_grad_()
            parts = self.split(tracked)
            value = self._value(player, parts)
            return derivative(value, parts[player], keep_graph=point.requires_grad)

    def field(self, point: Tensor) -> Tensor:
        """The field v ``[N]`` at a point ``[N]``; differentiable where the point asks for it."""
        return torch.cat([self.gradient(player, point) for player in self.sizes])

    def jacobian(self, point: Tensor) -> Tensor:
        """The Jacobian of v at a point: ``[N, N]``, its rows the entries of v."""
        return jacobian(self.field, point)

    def eigenvalues(self, point: Tensor) -> Tensor:
        """The eigenvalues of the Jacobian of v, complex ``[N]``.

        The dynamics ``dx/dt = -v(x)`` have the negatives of these.
        """
        return eigenvalues(self.jacobian(point))

    def _value(self, player: str, parts: Parameters) -> Tensor:
        value = self.objective(player, parts)
        if math.prod(value.shape) != 1:
            raise InputError(
                f"the objective of player {player} must be a single number, not a tensor of shape "
                f"{list(value.shape)}"
            )
        return value.reshape(())


class FunctionGame(Game):
    """A game of any torch functions.

    Args:
        objectives: for each player a function from all players' parameters to the scalar that
            the player minimises.
        sizes: see :class:`Game`.

    Raises:
        InputError: if a size is wrong, or objectives and sizes name different players.
    """

    def __init__(
        self,
        *,
        objectives: Mapping[str, Callable[[Parameters], Tensor]],
        sizes: Mapping[str, int],
    ) -> None:
        super().__init__(sizes=sizes)
        if objectives.keys() != sizes.keys():
            raise InputError(
                "objectives and sizes must name the same players, not "
                f"{', '.join(objectives)} and {', '.join(sizes)}"
            )
        self.objectives = dict(objectives)

    def objective(self, player: str, parameters: Parameters) -> Tensor:
        """What the player's function says."""
        return self.objectives[player](parameters)
