"""Games whose dynamics are known in closed form."""

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive
from ganzoo.theory.game import Game, Parameters


class ZeroSumGame(Game):
    """A game in which the discriminator pays ``-V`` and the generator ``V``.

    Args:
        discriminator_size: how many parameters the discriminator has.
        generator_size: how many the generator has.
    """

    def __init__(self, *, discriminator_size: int, generator_size: int) -> None:
        sizes = {"discriminator": discriminator_size, "generator": generator_size}
        super().__init__(sizes=sizes)
        self._signs = {"discriminator": -1.0, "generator": 1.0}

    @abstractmethod
    def value(self, discriminator: Tensor, generator: Tensor) -> Tensor:
        """V, which the discriminator maximises: a scalar."""

    def objective(self, player: str, parameters: Parameters) -> Tensor:
        """Minus V for the discriminator, V for the generator."""
        value = self.value(parameters["discriminator"], parameters["generator"])
        return self._signs[player] * value

    @property
    def equilibrium(self) -> Tensor:
        """The origin."""
        return torch.zeros(self.size, dtype=torch.float64)


@defaults_from("theory/game/bilinear")
class Bilinear(ZeroSumGame):
    """``V = theta_D^T A theta_G``; with A = 1 the example of cycles, ``theta_D theta_G``.

    The field's Jacobian is ``[[0, -A], [A^T, 0]]`` with eigenvalues ``+- i sigma`` for the singular
    values sigma of A: the flow circles around the origin and keeps its distance. Goodfellow (2016,
    arXiv:1701.00160) gives it as an exercise; Gidel et al. (2019, arXiv:1802.10551) and many
    others take it as the test of a game's optimizer.

    Args:
        matrix: A, one row for each parameter of the discriminator and one column for each of the
            generator.

    Raises:
        InputError: if its rows differ in length, or it is empty or not finite.
    """

    def __init__(self, *, matrix: Sequence[Sequence[float]] = FROM_CONFIG) -> None:
        rows = [list(map(float, row)) for row in matrix]
        if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
            raise InputError(
                "matrix needs rows of one length, at least 1, one for each parameter of the "
                f"discriminator, not rows of lengths {[len(row) for row in rows]}"
            )
        if not all(math.isfinite(entry) for row in rows for entry in row):
            raise InputError("the entries of matrix must be finite numbers")
        super().__init__(discriminator_size=len(rows), generator_size=len(rows[0]))
        self.matrix = torch.tensor(rows, dtype=torch.float64)

    def value(self, discriminator: Tensor, generator: Tensor) -> Tensor:
        """The bilinear form."""
        return discriminator @ self.matrix @ generator


@defaults_from("theory/game/quadratic_saddle")
class QuadraticSaddle(ZeroSumGame):
    """``V = c theta_D theta_G - a theta_D^2 / 2 + b theta_G^2 / 2`` of one parameter each.

    The field's Jacobian is ``[[a, -c], [c, b]]``, with eigenvalues
    ``(a + b)/2 +- sqrt((a - b)^2 / 4 - c^2)``: positive curvatures damp the rotation of c.

    Args:
        discriminator_curvature: a; positive where V is concave in the discriminator.
        generator_curvature: b; positive where V is convex in the generator.
        coupling: c.

    Raises:
        InputError: if one of them is not finite.
    """

    def __init__(
        self,
        *,
        discriminator_curvature: float = FROM_CONFIG,
        generator_curvature: float = FROM_CONFIG,
        coupling: float = FROM_CONFIG,
    ) -> None:
        super().__init__(discriminator_size=1, generator_size=1)
        if not all(map(math.isfinite, (discriminator_curvature, generator_curvature, coupling))):
            raise InputError(
                "discriminator_curvature, generator_curvature and coupling must be finite, not "
                f"{discriminator_curvature}, {generator_curvature} and {coupling}"
            )
        self.curvatures = (discriminator_curvature, generator_curvature)
        self.coupling = coupling

    def value(self, discriminator: Tensor, generator: Tensor) -> Tensor:
        """The quadratic form."""
        concave, convex = self.curvatures
        curved = convex * generator @ generator - concave * discriminator @ discriminator
        return self.coupling * discriminator @ generator + curved / 2


class TwoTimeScales(Game):
    """A game with each player's objective multiplied by a factor of its own.

    Under gradient descent this is a learning rate for each player, as in the two time-scale update
    rule of Heusel et al. (2017, arXiv:1706.08500).

    Args:
        game: the game.
        factors: for each player, a positive number.

    Raises:
        InputError: if a player has no factor, an unknown one has, or a factor is not positive.
    """

    def __init__(self, *, game: Game, factors: Mapping[str, float]) -> None:
        super().__init__(sizes=game.sizes)
        if factors.keys() != game.sizes.keys():
            raise InputError(
                f"factors must name the players {', '.join(game.sizes)}, not {', '.join(factors)}"
            )
        check_positive(**factors)
        self.game = game
        self.factors = dict(factors)

    def objective(self, player: str, parameters: Parameters) -> Tensor:
        """The player's objective times its factor."""
        return self.factors[player] * self.game.objective(player, parameters)

    @property
    def equilibrium(self) -> Tensor | None:
        """That of the game."""
        return self.game.equilibrium

    def constrain(self, point: Tensor) -> Tensor:
        """What the game asks for."""
        return self.game.constrain(point)
