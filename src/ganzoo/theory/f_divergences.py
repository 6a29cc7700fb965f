"""The convex functions behind the f-divergences of the zoo, in the log domain.

:mod:`ganzoo.losses.divergences` has what a discriminator needs of a divergence, its activation and
its conjugate; this file has the function ``f`` itself, in the same normalisation, and the output at
which a discriminator is best. Nowozin et al. (2016, arXiv:1606.00709), section 2 and Table 1.
"""

import math
from abc import ABC, abstractmethod
from functools import singledispatch
from typing import ClassVar

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.losses import divergences
from ganzoo.losses.divergences import Divergence
from ganzoo.theory.stable import exponential_excess, squared_root_difference, twice_jensen_shannon


class GeneratorFunction(ABC):
    """A convex ``f``, as the density ``q f(p/q)`` that integrates to ``D_f(P || Q)``.

    The density is tilted: ``tilt (p - q)`` is taken off, which integrates to 0, so that it is
    never negative (the zoo's ``GANDivergence`` apart) and close distributions lose no digits.
    Gradients by a probability alone shift with it; along distributions they do not.

    Attributes:
        tilt: ``f'(1)`` where it is taken off, else 0.
        at_zero: limit of the tilted f at 0, what a unit of Q costs where P has nothing.
        at_infinity: limit of the tilted ``f(u)/u``, what a unit of P costs where Q has nothing.
        has_kink: whether f has no derivative at 1.
    """

    tilt: ClassVar[float] = 0.0
    has_kink: ClassVar[bool] = False
    at_zero: float
    at_infinity: float

    @abstractmethod
    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        """The tilted ``q f(p/q)`` where both densities are positive; any shape."""

    @abstractmethod
    def output(self, log_ratio: Tensor) -> Tensor:
        """The discriminator's best output v, with ``g_f(v) = f'(u)``, from ``log u = log p/q``."""

    def integrand(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        """The tilted ``q f(p/q)`` anywhere; ``-inf`` is the logarithm of no density.

        Args:
            log_p: any shape, float64.
            log_q: of the same shape.

        Returns:
            The same shape; infinite where a density stands alone and f has no limit there.
        """
        has_p, has_q = log_p > -math.inf, log_q > -math.inf
        both = has_p & has_q
        inside = self.overlap(log_p.masked_fill(~both, 0), log_q.masked_fill(~both, 0))
        alone = _times_mass(self.at_infinity, log_p, has_p & ~has_q)
        return torch.where(both, inside, alone + _times_mass(self.at_zero, log_q, has_q & ~has_p))

    def function(self, ratio: Tensor) -> Tensor:
        """``f(u)`` itself, in the zoo's normalisation, for u of any shape, at least 0."""
        logs = torch.where(
            ratio > 0, ratio.clamp(min=torch.finfo(ratio.dtype).tiny).log(), -math.inf
        )
        return self.integrand(logs, torch.zeros_like(logs)) + self.tilt * (ratio - 1)


def _times_mass(factor: float, log_mass: Tensor, where: Tensor) -> Tensor:
    """The factor times the mass where wanted, else 0."""
    if math.isinf(factor):
        return torch.zeros_like(log_mass).masked_fill(where, factor)
    return factor * log_mass.masked_fill(~where, -math.inf).exp()


class _KullbackLeibler(GeneratorFunction):
    tilt = 1.0
    at_zero, at_infinity = 1.0, math.inf

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        ratio = log_p - log_q
        low, high = ratio.clamp(max=-1), ratio.clamp(min=-1)
        below = log_q.exp() * (low.exp() * (low - 1) + 1)
        return torch.where(ratio < -1, below, log_p.exp() * exponential_excess(-high))

    def output(self, log_ratio: Tensor) -> Tensor:
        return 1 + log_ratio


class _ReverseKullbackLeibler(GeneratorFunction):
    tilt = -1.0
    at_zero, at_infinity = math.inf, 1.0

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        return _KullbackLeibler().overlap(log_q, log_p)

    def output(self, log_ratio: Tensor) -> Tensor:
        return log_ratio


class _PearsonChiSquared(GeneratorFunction):
    at_zero, at_infinity = 1.0, math.inf

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        ratio = log_p - log_q
        above = (log_p + ratio.clamp(min=0)).exp() * (-ratio.clamp(min=0)).expm1().square()
        return torch.where(ratio > 0, above, log_q.exp() * ratio.clamp(max=0).expm1().square())

    def output(self, log_ratio: Tensor) -> Tensor:
        return 2 * log_ratio.expm1()


class _NeymanChiSquared(GeneratorFunction):
    at_zero, at_infinity = math.inf, 1.0

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        return _PearsonChiSquared().overlap(log_q, log_p)

    def output(self, log_ratio: Tensor) -> Tensor:
        return 2 * log_ratio


class _SquaredHellinger(GeneratorFunction):
    at_zero, at_infinity = 1.0, 1.0

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        return squared_root_difference(log_p, log_q)

    def output(self, log_ratio: Tensor) -> Tensor:
        return log_ratio / 2


class _JensenShannon(GeneratorFunction):
    at_zero, at_infinity = math.log(2), math.log(2)

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        return twice_jensen_shannon(log_p, log_q)

    def output(self, log_ratio: Tensor) -> Tensor:
        return log_ratio


class _GANDivergence(GeneratorFunction):
    at_zero, at_infinity = 0.0, 0.0

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        both = log_p.exp() + log_q.exp()
        return twice_jensen_shannon(log_p, log_q) - math.log(2) * both

    def output(self, log_ratio: Tensor) -> Tensor:
        return log_ratio


class _TotalVariation(GeneratorFunction):
    has_kink = True
    at_zero, at_infinity = 0.5, 0.5

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        largest = torch.maximum(log_p, log_q).exp()
        return largest * -(-(log_p - log_q).abs()).expm1() / 2

    def output(self, log_ratio: Tensor) -> Tensor:
        return torch.where(log_ratio == 0, 0.0, math.inf * log_ratio.sign())


class _Alpha(GeneratorFunction):
    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.at_zero = 1 / alpha if alpha > 0 else math.inf
        self.at_infinity = 1 / (1 - alpha) if alpha < 1 else math.inf

    def overlap(self, log_p: Tensor, log_q: Tensor) -> Tensor:
        ratio, a = log_p - log_q, self.alpha
        near = ratio.abs() * max(1, abs(a)) < 1
        small = ratio.masked_fill(~near, 0)
        close = log_q.exp() * (exponential_excess(a * small) - a * exponential_excess(small))
        power = (a * log_p + (1 - a) * log_q).masked_fill(near, 0).exp()
        far = power - a * log_p.exp() - (1 - a) * log_q.exp()
        return torch.where(near, close, far) / (a * (a - 1))

    def output(self, log_ratio: Tensor) -> Tensor:
        if self.alpha > 1:
            return ((self.alpha - 1) * log_ratio).expm1() / (self.alpha - 1)
        # The activation is 1/(1 - a) - log(1 + e^-v), so that this is log(1 + e^-v).
        rest = ((self.alpha - 1) * log_ratio).exp() / (1 - self.alpha)
        return -(rest + (-(-rest).expm1()).log())


@singledispatch
def generator_function(divergence: Divergence) -> GeneratorFunction:
    """The convex function of a divergence of the zoo.

    Args:
        divergence: of :mod:`ganzoo.losses.divergences`; its docstring has the formula of f.

    Raises:
        InputError: if it is none of the zoo's.
    """
    raise InputError(
        f"{type(divergence).__name__} has no generator function here: take a divergence of "
        "ganzoo.losses.divergences"
    )


for _of, _function in {
    divergences.KullbackLeibler: _KullbackLeibler(),
    divergences.ReverseKullbackLeibler: _ReverseKullbackLeibler(),
    divergences.PearsonChiSquared: _PearsonChiSquared(),
    divergences.NeymanChiSquared: _NeymanChiSquared(),
    divergences.SquaredHellinger: _SquaredHellinger(),
    divergences.JensenShannon: _JensenShannon(),
    divergences.GANDivergence: _GANDivergence(),
    divergences.TotalVariation: _TotalVariation(),
}.items():
    generator_function.register(_of, lambda _, found=_function: found)


@generator_function.register
def _(divergence: divergences.Alpha) -> GeneratorFunction:
    return _Alpha(divergence.alpha)
