"""Everything that the theory says of an optimizer on a game, beside what a trajectory does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan, log

import torch
from torch import Tensor

from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.theory.behaviour import Behaviour, behaviour_of, followed_trajectory
from ganzoo.theory.fixed_points import fixed_points
from ganzoo.theory.game import DifferentiableGame
from ganzoo.theory.step_sizes import largest_stable_learning_rate
from ganzoo.theory.trajectories import ROUNDING, measured_rate
from ganzoo.theory.update_operator import UpdateOperator
from ganzoo.theory.verdict import FIXED, Stability, Verdict, analyse, analyse_flow


@dataclass(frozen=True, kw_only=True)
class FixedPointSearch:
    """Where fixed points are searched; see :func:`ganzoo.theory.fixed_points.fixed_points`."""

    lower: float
    upper: float
    starts: int
    seed: int
    tolerance: float

    def __post_init__(self) -> None:
        check_whole(starts=self.starts)
        check_whole(0, seed=self.seed)
        check_positive(tolerance=self.tolerance)
        if not self.lower < self.upper:
            raise InputError(f"lower={self.lower} must be below upper={self.upper}")


@dataclass(frozen=True, kw_only=True)
class Report:
    """An optimizer on a game.

    Attributes:
        game: the game.
        point: its fixed point ``[N]``, which all is about: the known equilibrium, or the one that
            was found nearest to the middle of the region searched.
        flow: the linearised gradient flow.
        update: the linearised optimizer; None where it has no linearisation.
        refusal: why, in one line; else empty.
        largest_stable: the largest learning rate that converges, 0 where none does; None where
            there is no linearisation.
        largest: the largest learning rate that was tried.
        path: the trajectory ``[T, N]``, cut where it leaves for good.
        behaviour: what it does.
        measured: the factor by which its distance changes in a step, in the long run; NaN where
            there are too few steps to say.
    """

    game: DifferentiableGame
    point: Tensor
    flow: Stability
    update: Stability | None
    refusal: str
    largest_stable: float | None
    largest: float
    path: Tensor
    behaviour: Behaviour
    measured: float

    @property
    def distances(self) -> Tensor:
        """From the fixed point, ``[T]``."""
        distances: Tensor = (self.path - self.point).norm(dim=1)
        return distances

    @property
    def predicted(self) -> float:
        """The factor by which a small distance changes in a step; NaN where unknown."""
        return self.update.rate if self.update is not None else float("nan")

    @property
    def verdict(self) -> str:
        """The verdict of the linearised optimizer, in a word or a few."""
        return (self.update.verdict if self.update is not None else Verdict.UNDECIDED).value

    @property
    def stable(self) -> str:
        """The largest stable learning rate, in words; empty where there is no linearisation."""
        if self.largest_stable is None:
            return ""
        if self.largest_stable == self.largest:
            return f"{self.largest:g} or more"
        return f"{self.largest_stable:.6g}" if self.largest_stable > 0 else "none converges"

    def lines(self) -> Iterator[tuple[str, str]]:
        """What there is to say, as pairs of a name and a text."""
        yield "fixed point", _players(self.game, self.point)
        yield "flow: eigenvalues", _numbers(self.flow)
        yield "flow: verdict", _words(self.flow.verdict)
        if self.update is None:
            yield "update", self.refusal
        else:
            yield "update: eigenvalues", _numbers(self.update)
            yield "update: modulus", f"{self.predicted:.6f}"
            yield "update: verdict", _words(self.update.verdict)
            yield "predicted rate", _rate(self.predicted)
        yield "measured rate", _rate(self.measured)
        yield "trajectory", self._course_in_words()
        if self.largest_stable is not None:
            yield "largest stable learning rate", self.stable

    def _course_in_words(self) -> str:
        distances = self.distances
        late = distances[-max(1, len(distances) // 4) :]
        low, high = float(late.min()), float(late.max())
        reached = "rounding" if high < ROUNDING else f"{low:.3g} to {high:.3g}"
        way = f"from distance {float(distances[0]):.3g} to {reached}"
        return (
            f"{self.behaviour.value}: {way} in the last {len(late)} of {len(distances) - 1} steps"
        )


def report_of(
    operator: UpdateOperator,
    game: DifferentiableGame,
    *,
    search: FixedPointSearch,
    start: Sequence[float] | None,
    displacement: float,
    steps: int,
    tolerance: float,
    largest: float,
) -> Report:
    """Analyse an optimizer on a game, and follow its trajectory.

    Args:
        operator: the optimizer.
        game: the game.
        search: for fixed points, where the game knows no equilibrium.
        start: where the trajectory begins, ``[N]``; None for the displacement.
        displacement: what is added to each parameter of the fixed point to begin, positive.
        steps: of the trajectory, at least 1.
        tolerance: how far from 1 a modulus is to be told from it, positive.
        largest: the largest learning rate to try, positive.

    Raises:
        InputError: if a number is out of range, or the game has no fixed point in the region.
    """
    check_positive(displacement=displacement, tolerance=tolerance, largest_learning_rate=largest)
    check_whole(steps=steps)
    point = _fixed_point(game, search)
    path = followed_trajectory(
        operator, game, point, _start(game, point, start, displacement), steps
    )
    update, refusal = _update(operator, game, point, tolerance)
    stable = None
    if update is not None and update.differentiable:
        stable = largest_stable_learning_rate(
            operator, game, point, largest=largest, tolerance=tolerance
        )
    return Report(
        game=game,
        point=point,
        flow=analyse_flow(game, point, tolerance=tolerance),
        update=update if stable is not None else None,
        refusal=refusal,
        largest_stable=stable,
        largest=largest,
        path=path,
        behaviour=behaviour_of((path - point).norm(dim=1), steps),
        measured=_measured(path, point),
    )


def _fixed_point(game: DifferentiableGame, search: FixedPointSearch) -> Tensor:
    known = game.equilibrium
    if known is not None and float(game.field(known).abs().max()) <= FIXED:
        return known
    return fixed_points(
        game,
        lower=search.lower,
        upper=search.upper,
        starts=search.starts,
        seed=search.seed,
        tolerance=search.tolerance,
    )[0]


def _start(
    game: DifferentiableGame, point: Tensor, start: Sequence[float] | None, displacement: float
) -> Tensor:
    if start is None:
        return point + displacement
    if len(start) != game.size:
        raise InputError(
            f"start needs a number for each of the {game.size} parameters, not {len(start)}"
        )
    return torch.tensor(list(start), dtype=torch.float64)


def _update(
    operator: UpdateOperator, game: DifferentiableGame, point: Tensor, tolerance: float
) -> tuple[Stability | None, str]:
    try:
        found = analyse(operator, game, point, tolerance=tolerance)
    except InputError as refusal:
        return None, f"has no linearisation: {refusal}"
    if not found.differentiable:
        return found, "has no linearisation: the field has no derivative at the fixed point"
    return found, ""


def _measured(path: Tensor, point: Tensor) -> float:
    """The rate over the second half of what is not yet rounding."""
    distances = (path - point).norm(dim=1)
    told = int((distances > ROUNDING * distances.max()).nonzero().max()) if len(path) else 0
    try:
        return measured_rate(path[: told + 1], point, skip=told // 2)
    except InputError:
        return float("nan")


def _players(game: DifferentiableGame, point: Tensor) -> str:
    return "; ".join(
        f"{player} {', '.join(_short(float(value)) for value in own)}"
        for player, own in game.split(point).items()
    )


def _short(value: float) -> str:
    return f"{value:.4g}" if abs(value) > 1e-9 else "0"


def _numbers(analysis: Stability) -> str:
    """Eigenvalues, those that are conjugate to each other as one."""
    if not analysis.differentiable:
        return "none: the field has no derivative at the fixed point"
    shown = []
    for value in analysis.eigenvalues.tolist():
        if abs(value.imag) < 1e-9:
            shown.append(_short(value.real))
        elif value.imag > 0:
            shown.append(f"{_short(value.real)} ± {_short(value.imag)}i")
    return ", ".join(shown)


def _words(verdict: Verdict) -> str:
    said = {
        Verdict.CONVERGES: "converges: a small disturbance dies out",
        Verdict.DIVERGES: "diverges: a small disturbance grows",
        Verdict.CYCLES: "cycles: a small disturbance goes round and neither grows nor dies out, "
        "as far as first order tells",
        Verdict.UNDECIDED: "undecided by linearisation: the trajectory has to tell",
    }
    return said[verdict]


def _rate(rate: float) -> str:
    if isnan(rate):
        return "not to be told"
    if rate <= 0:
        return "0: there in a few steps"
    change = log(rate)
    if abs(change) < 1e-7:
        return f"{rate:.6f} a step: the distance stays"
    halves = "halves" if change < 0 else "doubles"
    return f"{rate:.6f} a step: the distance {halves} in {log(2) / abs(change):.3g} steps"
