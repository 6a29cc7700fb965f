"""Symplectic gradient adjustment: players also step across the direction they circle in."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.optim.base import SteppingPlayer, UpdateRule
from ganzoo.optim.derivatives import (
    Vector,
    by_player,
    cross_gradients,
    gradients,
    inner_product,
    mean_vectors,
    weighted_sum,
)

Alignment = Callable[[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]], Tensor]
"""From the gradient, the adjustment and the slope of half the squared gradient to a factor."""


@defaults_from("optimizer/update_rule/symplectic_gradient_adjustment")
class SymplecticGradientAdjustment(UpdateRule):
    """Players step along ``xi + weight A^T xi``, all at once.

    Balduzzi et al. (2018), "The Mechanics of n-Player Differentiable Games", algorithm 1 (arXiv
    1802.05642). The vector xi holds every player's gradient of its own objective, J is its
    Jacobian and ``A = (J - J^T) / 2``. In a game that only circles, where A is all of J, the
    adjusted direction points to the middle; in one without circles A is zero.

    The diagonal blocks of A are zero, so each player's part of ``A^T xi`` is a sum over the others
    ``1/2 sum_j grad_i <grad_j (L_j - L_i), xi_j>`` with xi constant: one backward pass for each
    player instead of products with J from both sides.

    With several processes xi and the signs are those of the means. A player that steps alone on
    a minibatch follows its gradient. The rule differentiates twice, in float32 or better.
    Departure: ``weight``, which is 1 in the algorithm.

    Args:
        weight: The size of the adjustment, at least 0; 0 gives simultaneous updates.
        alignment: What reverses the adjustment where it leads to unstable points; None does
            not, and saves a backward pass.

    Raises:
        InputError: if the weight is negative or not finite.
    """

    differentiates_twice = True

    def __init__(
        self, *, weight: float = FROM_CONFIG, alignment: Alignment | None = FROM_CONFIG
    ) -> None:
        check_not_negative(weight=weight)
        self.weight = weight
        self.alignment = alignment

    def step(self, players: Sequence[SteppingPlayer]) -> None:
        """Compute the gradients of all players, adjust them, let all step."""
        crossed = cross_gradients(players)
        own = [crossed[index][index] for index in range(len(players))]
        mean = mean_vectors(own)
        adjustments = [
            self._adjustment(index, players, crossed, mean) for index in range(len(players))
        ]
        weight = self.weight * self._sign(players, own, mean, adjustments)
        for player, gradient, adjustment in zip(players, own, adjustments, strict=True):
            player.set_gradients(weighted_sum(gradient, weight, adjustment))
            player.step()

    def _adjustment(
        self,
        index: int,
        players: Sequence[SteppingPlayer],
        crossed: list[list[Vector]],
        mean: list[Vector],
    ) -> Vector:
        others = [other for other in range(len(players)) if other != index]
        if not others:
            return [torch.zeros_like(part) for part in mean[index]]
        across = [
            inner_product(
                weighted_sum(crossed[other][other], -1.0, crossed[index][other]), mean[other]
            )
            for other in others
        ]
        return gradients(0.5 * torch.stack(across).sum(), players[index].parameters)

    def _sign(
        self,
        players: Sequence[SteppingPlayer],
        own: list[Vector],
        mean: list[Vector],
        adjustments: list[Vector],
    ) -> float | Tensor:
        if self.alignment is None:
            return 1.0
        everything = [parameter for player in players for parameter in player.parameters]
        along = inner_product(_flat(own), _flat(mean))  # its gradient is J^T xi
        slope = mean_vectors(by_player(gradients(along, everything), players))
        return self.alignment(_flat(mean), _flat(mean_vectors(adjustments)), _flat(slope))


@defaults_from("optimizer/update_rule/aligned_symplectic_gradient_adjustment")
class SignAlignment:
    """The sign that keeps the adjustment towards stable and away from unstable points.

    Balduzzi et al. (2018), algorithm 1 (arXiv 1802.05642):
    ``sign(<xi, J^T xi> <A^T xi, J^T xi> / d + offset)`` with d parameters of all players together.
    Near a stable point both products have the same sign, and near an unstable one opposite signs.

    Args:
        offset: The paper's epsilon, 1/10 there: not negative, so that a game that only circles,
            where the products vanish, keeps its adjustment.

    Raises:
        InputError: if the offset is negative or not finite.
    """

    def __init__(self, *, offset: float = FROM_CONFIG) -> None:
        check_not_negative(offset=offset)
        self.offset = offset

    def __call__(
        self, gradient: Sequence[Tensor], adjustment: Sequence[Tensor], slope: Sequence[Tensor]
    ) -> Tensor:
        """Compute the sign, a scalar of -1, 0 or 1.

        Args:
            gradient: xi.
            adjustment: ``A^T xi``.
            slope: ``J^T xi``, the gradient of half of ``|xi|^2``.
        """
        count = sum(part.numel() for part in gradient)
        agreement = inner_product(gradient, slope) * inner_product(adjustment, slope) / count
        return torch.sign(agreement + self.offset)


def _flat(vectors: Sequence[Vector]) -> Vector:
    return [part for vector in vectors for part in vector]
