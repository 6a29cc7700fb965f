"""Games of vectors, and two of them whose dynamics are known in closed form."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms
from ganzoo.theory.game import DifferentiableGame

Objective = Callable[[Mapping[str, Tensor]], Tensor]
"""From all players' vectors to the scalar that one of them minimises."""


class ParameterVector(nn.Module):
    """A module that is nothing but parameters: a vector in float64, zero at first.

    Args:
        size: How many.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(size, dtype=torch.float64))


class VectorGame(DifferentiableGame):
    """A game of any torch functions.

    Args:
        objectives: For each player a function from all players' vectors, by name, to the scalar
            that the player minimises.
        sizes: How many parameters each player has, in the order in which players step; a GAN's
            are "discriminator" and "generator".
        equilibrium: The point ``[N]`` that is known to be one, or None.

    Raises:
        InputError: if a size is not a whole number from 1, or objectives and sizes name different
            players, or none.
    """

    def __init__(
        self,
        *,
        objectives: Mapping[str, Objective],
        sizes: Mapping[str, int],
        equilibrium: Tensor | None = None,
    ) -> None:
        check_whole(**sizes)
        if objectives.keys() != sizes.keys():
            raise InputError(
                "objectives and sizes must name the same players, not "
                f"{', '.join(objectives)} and {', '.join(sizes)}"
            )
        self._objectives = dict(objectives)
        self._vectors = {name: ParameterVector(size) for name, size in sizes.items()}
        players = [
            Player(name, vector, partial(self._losses, name), role=name)
            for name, vector in self._vectors.items()
        ]
        super().__init__(players, equilibrium=equilibrium)

    def _losses(self, name: str, minibatch: None) -> LossTerms:
        values = {other: vector.values for other, vector in self._vectors.items()}
        value = self._objectives[name](values)
        if value.numel() != 1:
            raise InputError(
                f"the objective of player {name} must be a single number, not a tensor of shape "
                f"{list(value.shape)}"
            )
        return {"objective": value.reshape(())}


class ZeroSumGame(VectorGame):
    """A game in which the discriminator pays ``-V`` and the generator ``V``.

    Args:
        value: V of the discriminator's and the generator's vectors, a scalar.
        sizes: Of the two, in this order; the equilibrium is the origin.
    """

    def __init__(self, value: Callable[[Tensor, Tensor], Tensor], sizes: tuple[int, int]) -> None:
        super().__init__(
            objectives={
                "discriminator": lambda of: -value(of["discriminator"], of["generator"]),
                "generator": lambda of: value(of["discriminator"], of["generator"]),
            },
            sizes={"discriminator": sizes[0], "generator": sizes[1]},
            equilibrium=torch.zeros(sum(sizes), dtype=torch.float64),
        )


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
        self.matrix = torch.tensor(rows, dtype=torch.float64)
        super().__init__(self.value, (len(rows), len(rows[0])))

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
        if not all(map(math.isfinite, (discriminator_curvature, generator_curvature, coupling))):
            raise InputError(
                "discriminator_curvature, generator_curvature and coupling must be finite, not "
                f"{discriminator_curvature}, {generator_curvature} and {coupling}"
            )
        self.curvatures = (discriminator_curvature, generator_curvature)
        self.coupling = coupling
        super().__init__(self.value, (1, 1))

    def value(self, discriminator: Tensor, generator: Tensor) -> Tensor:
        """The quadratic form."""
        concave, convex = self.curvatures
        curved = convex * generator @ generator - concave * discriminator @ discriminator
        return self.coupling * discriminator @ generator + curved / 2
