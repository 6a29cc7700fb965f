"""What linearisation says about a game's dynamics near a fixed point."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from ganzoo.errors import InputError, check_positive
from ganzoo.theory.differentiation import eigenvalues
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.update_operator import UpdateOperator

# The field's largest entry at a point that counts as fixed.
FIXED = 1e-7
# Steps at which difference quotients are compared with the derivative, and how near they must be.
PROBE_STEPS = (1e-6, 2.5e-7)
PROBE_ERROR = 1e-2


class Verdict(Enum):
    """What becomes of a small disturbance."""

    CONVERGES = "converges"
    DIVERGES = "diverges"
    CYCLES = "cycles"
    UNDECIDED = "undecided by linearisation"


@dataclass(frozen=True, kw_only=True)
class Stability:
    """The linearised dynamics at a fixed point.

    Attributes:
        eigenvalues: of the update operator's derivative, or of the flow's; complex, the one that
            decides first. Empty where the field has no derivative.
        rate: the factor by which a small distance changes, in the long run, in one step or in one
            unit of time; NaN where the field has no derivative.
        verdict: CONVERGES and DIVERGES hold for the nonlinear dynamics near the point. CYCLES is
            a rotation, exact for linear dynamics; otherwise higher orders may damp it or drive it.
        differentiable: whether the field has a derivative at the point. Where it has none, as with
            a penalty ``(||grad D|| - 1)^2`` at a flat discriminator, the verdict is UNDECIDED.
    """

    eigenvalues: Tensor
    rate: float
    verdict: Verdict
    differentiable: bool


def analyse(
    operator: UpdateOperator, game: DifferentiableGame, point: Tensor, *, tolerance: float
) -> Stability:
    """Judge an optimizer at a fixed point by the eigenvalues of its linearisation.

    With all moduli below 1 it converges at the rate of the largest one (Mescheder et al. 2017,
    arXiv:1705.10461), with one above 1 it leaves. Moduli of 1 rotate if their
    eigenvalues are not real.

    Args:
        operator: the optimizer.
        game: the game.
        point: a fixed point ``[N]`` of it.
        tolerance: how far from 1 a modulus is to be told from it; 1e-9 is near the rounding error.

    Raises:
        InputError: if the point is no fixed point, the operator cannot be linearised, or tolerance
            is not positive.
    """
    check_positive(tolerance=tolerance)
    if not differentiable(game, point):
        return _without_derivative()
    values = _sorted(eigenvalues(linearisation(operator, game, point)), torch.abs)
    largest = float(values[0].abs())
    critical = values[(values.abs() - 1).abs() <= tolerance]
    verdict = _judge(largest - 1, critical, tolerance)
    return Stability(eigenvalues=values, rate=largest, verdict=verdict, differentiable=True)


def analyse_flow(game: DifferentiableGame, point: Tensor, *, tolerance: float) -> Stability:
    """Judge the flow ``dx/dt = -v(x)`` at a fixed point by the eigenvalues of ``-J``.

    With negative real parts it converges; with a positive one it leaves; zero real parts rotate
    if the eigenvalues are not zero.

    Args:
        game: the game.
        point: a fixed point ``[N]`` of it.
        tolerance: how far from 0 a real part is to be told from it.

    Raises:
        InputError: if the point is no fixed point, or tolerance is not positive.
    """
    check_positive(tolerance=tolerance)
    if not differentiable(game, point):
        return _without_derivative()
    values = _sorted(-game.eigenvalues(point), torch.real)
    largest = values[0].real
    critical = values[values.real.abs() <= tolerance]
    verdict = _judge(float(largest), critical, tolerance)
    return Stability(
        eigenvalues=values, rate=float(largest.exp()), verdict=verdict, differentiable=True
    )


def linearisation(operator: UpdateOperator, game: DifferentiableGame, point: Tensor) -> Tensor:
    """The derivative ``[S, S]`` of an operator's step at a fixed point ``[N]``, in its state.

    Raises:
        InputError: if the point is no fixed point, or the operator cannot be linearised.
    """
    check_fixed(game, point)
    return operator.linearisation(game, point)


def spectral_radius(operator: UpdateOperator, game: DifferentiableGame, point: Tensor) -> float:
    """The largest modulus of the linearisation's eigenvalues: the predicted rate of one step.

    Raises:
        InputError: see :func:`linearisation`.
    """
    return float(eigenvalues(linearisation(operator, game, point)).abs().max())


def differentiable(game: DifferentiableGame, point: Tensor) -> bool:
    """Tell whether the field has a derivative at a fixed point ``[N]``.

    Difference quotients of two step sizes, along the axes and some directions between them, must
    all agree with the Jacobian to a hundredth of its size.

    Raises:
        InputError: if the point is no fixed point.
    """
    check_fixed(game, point)
    matrix = game.jacobian(point)
    generator = torch.Generator().manual_seed(0)
    between = torch.randn(4, game.size, generator=generator, dtype=torch.float64)
    axes = torch.eye(game.size, dtype=torch.float64)
    allowed = PROBE_ERROR * (1e-2 + matrix.abs().max())
    for direction in torch.cat([axes, between / between.norm(dim=1, keepdim=True)]):
        for step in (sign * size for size in PROBE_STEPS for sign in (1, -1)):
            quotient = (game.field(point + step * direction) - game.field(point)) / step
            if not (quotient - matrix @ direction).abs().max() <= allowed:
                return False
    return True


def check_fixed(game: DifferentiableGame, point: Tensor) -> None:
    """Refuse a point where the field does not vanish.

    Raises:
        InputError: naming the field's size.
    """
    size = float(game.field(point).abs().max())
    if not size <= FIXED:
        raise InputError(
            f"the point is no fixed point of the game: its field is up to {size:.3g} there; "
            "fixed_points finds one"
        )


def _judge(excess: float, critical: Tensor, tolerance: float) -> Verdict:
    if excess > tolerance:
        return Verdict.DIVERGES
    if excess < -tolerance:
        return Verdict.CONVERGES
    if bool((critical.imag.abs() > tolerance).all()):
        return Verdict.CYCLES
    return Verdict.UNDECIDED


def _sorted(values: Tensor, key: Callable[[Tensor], Tensor]) -> Tensor:
    return values[key(values).argsort(descending=True, stable=True)]


def _without_derivative() -> Stability:
    return Stability(
        eigenvalues=torch.zeros(0, dtype=torch.complex128),
        rate=float("nan"),
        verdict=Verdict.UNDECIDED,
        differentiable=False,
    )
