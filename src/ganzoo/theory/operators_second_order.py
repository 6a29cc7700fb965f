"""Operators that turn the field with its Jacobian."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_positive
from ganzoo.theory.differentiation import derivative
from ganzoo.theory.game import Game
from ganzoo.theory.operators_extrapolation import RatedOperator


@defaults_from()
@dataclass(frozen=True, kw_only=True)
class TurnedField(RatedOperator):
    """``x <- x - lr w(x)`` with a direction w made of the field v and products with its Jacobian.

    Args:
        learning_rate: size of the steps, positive.
        weight: of what is added to v, at least 0.

    Raises:
        InputError: if a number is out of range.
    """

    weight: float = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        check_not_negative(weight=self.weight)

    @abstractmethod
    def direction(self, game: Game, point: Tensor) -> Tensor:
        """The direction w ``[N]`` at a point ``[N]``; differentiable where the point asks."""

    def step(self, game: Game, state: Tensor) -> Tensor:
        """One step against the direction."""
        return game.constrain(state - self.learning_rate * self.direction(game, state))


@defaults_from("theory/optimizer/consensus")
@dataclass(frozen=True, kw_only=True)
class Consensus(TurnedField):
    """``w = v + weight J^T v``: every player also makes ``||v||^2 / 2`` small.

    Mescheder et al. (2017, arXiv:1705.10461). On ``V = xy`` the modulus is
    ``sqrt((1 - lr weight)^2 + lr^2)``.
    """

    def direction(self, game: Game, point: Tensor) -> Tensor:
        """The field and the gradient of half its squared norm."""
        field, transposed, _ = field_and_products(game, point)
        return field + self.weight * transposed


@defaults_from("theory/optimizer/symplectic_gradient_adjustment")
@dataclass(frozen=True, kw_only=True)
class SymplecticGradientAdjustment(TurnedField):
    """``w = v + weight A^T v`` with the antisymmetric part ``A = (J - J^T) / 2`` of the Jacobian.

    Balduzzi et al. (2018, arXiv:1802.05642), where v is written xi. On ``V = xy`` it is consensus
    optimization; where J is symmetric, a single player's problem, it is gradient descent.
    """

    def direction(self, game: Game, point: Tensor) -> Tensor:
        """The field with a constant adjustment."""
        field, transposed, product = field_and_products(game, point)
        return field + self.weight * (transposed - product) / 2


@defaults_from("theory/optimizer/aligned_symplectic_gradient_adjustment")
@dataclass(frozen=True, kw_only=True)
class AlignedSymplecticGradientAdjustment(TurnedField):
    """The same with the sign of the adjustment that draws to stable fixed points.

    Balduzzi et al. (2018, arXiv:1802.05642), Algorithm 1, with ``h = J^T v``, the gradient of
    ``||v||^2 / 2``: the weight takes the sign of ``<v, h> <A^T v, h> / d + epsilon``. Near a fixed
    point the product vanishes faster than epsilon and the sign is plus.

    Departures: the size of the adjustment is the weight, which the paper leaves at 1.

    Args:
        learning_rate: size of the steps, positive.
        weight: of the adjustment, at least 0.
        epsilon: 0.1 in the paper, positive.

    Raises:
        InputError: if a number is out of range.
    """

    epsilon: float = FROM_CONFIG

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(epsilon=self.epsilon)

    def direction(self, game: Game, point: Tensor) -> Tensor:
        """The field with an adjustment of the sign that fits."""
        field, transposed, product = field_and_products(game, point)
        adjustment = (transposed - product) / 2
        alignment = (field @ transposed) * (adjustment @ transposed) / game.size
        sign = torch.sign(alignment + self.epsilon).detach()
        return field + self.weight * sign * adjustment


def field_and_products(game: Game, point: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The field with its Jacobian's two products with it: ``v``, ``J^T v`` and ``J v``.

    Args:
        game: whose field.
        point: ``[N]``; if it requires a gradient, so can the results be differentiated.

    Returns:
        Three vectors ``[N]``.
    """
    keep = point.requires_grad
    with torch.enable_grad():
        here = point if keep else point.detach().requires_grad_()
        field = game.field(here)
        # J^T c is linear in a constant c, and the derivative of <J^T c, v> by c is J v.
        constant = field.detach().requires_grad_()
        linear = derivative(field @ constant, here, keep_graph=True)
        product = derivative(linear @ field, constant, keep_graph=keep)
        transposed = derivative(field @ field / 2, here, keep_graph=keep)
    if keep:
        return field, transposed, product
    return field.detach(), transposed.detach(), product.detach()
