"""The divergences of f-GAN: for each an output activation and a convex conjugate.

Nowozin et al. (2016, arXiv:1606.00709), Table 2 and its appendix. With ``u = p/q`` the ratio of the
densities of real and of generated data, a divergence is ``D_f(P || Q) = E_Q f(u)``, ``f`` convex
and ``f(1) = 0``; its conjugate is ``f*(t) = sup_u (u t - f(u))``. For any function T with values
in the domain of ``f*``, ``E_P T - E_Q f*(T) <= D_f``, with equality where ``T = f'(u)``.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError


class Divergence(ABC):
    """An f-divergence, as functions of the discriminator's output ``v``, any real number.

    Departure: the conjugate is computed of ``v`` and not of the activation's value, which cannot
    tell apart numbers that are close to the end of the domain. In float32 both are exact to
    rounding and finite, with finite derivatives, for ``|v|`` up to 80.
    """

    @abstractmethod
    def activation(self, logits: Tensor) -> Tensor:
        """The variational function ``T = g_f(v)``, increasing in v.

        Args:
            logits: ``v``, of any shape.
        """

    @abstractmethod
    def conjugate(self, logits: Tensor) -> Tensor:
        """The conjugate of the variational function's value, ``f*(g_f(v))``.

        Args:
            logits: ``v``, of any shape.
        """

    @abstractmethod
    def best_output(self, log_ratio: Tensor) -> Tensor:
        """The output v with ``g_f(v) = f'(u)``, which reaches the divergence.

        Args:
            log_ratio: ``log u``, of any shape; it may be infinite.
        """


@dataclass(frozen=True)
class KullbackLeibler(Divergence):
    """``E_P log u``: ``f(u) = u log u``, ``T = 1 + log u``, ``g_f(v) = v``, ``f*(t) = e^(t - 1)``.

    The best fit of a family that is too small covers all of the data.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """The output itself."""
        return logits

    def conjugate(self, logits: Tensor) -> Tensor:
        """``e^(v - 1)``."""
        return (logits - 1).exp()

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``1 + log u``."""
        return 1 + log_ratio


@dataclass(frozen=True)
class ReverseKullbackLeibler(Divergence):
    """``-E_Q log u``: ``T = -1/u``, ``g_f(v) = -e^-v``, ``f*(t) = -1 - log(-t)``.

    The best fit of a family that is too small sits on a mode of the data.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """``-e^-v``, below 0."""
        return -(-logits).exp()

    def conjugate(self, logits: Tensor) -> Tensor:
        """``v - 1``."""
        return logits - 1

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``log u``."""
        return log_ratio


@dataclass(frozen=True)
class PearsonChiSquared(Divergence):
    """``E_Q (u - 1)^2``: ``T = 2 (u - 1)``, ``g_f(v) = v``, ``f*(t) = t^2/4 + t``.

    This is the integral of ``(p - q)^2 / q``. As in the paper's table, ``f`` is continued to
    ``u < 0``, so ``f*`` falls and rises again to the left of ``t = -2``, where no best T lies.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """The output itself."""
        return logits

    def conjugate(self, logits: Tensor) -> Tensor:
        """``v^2/4 + v``."""
        return logits * (logits / 4 + 1)

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``2 (u - 1)``."""
        return 2 * log_ratio.expm1()


@dataclass(frozen=True)
class NeymanChiSquared(Divergence):
    """``E_Q (1 - u)^2 / u``: ``T = 1 - u^-2``, ``g_f(v) = 1 - e^-v``.

    This is the integral of ``(p - q)^2 / p``; its conjugate is ``f*(t) = 2 - 2 sqrt(1 - t)``.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """``1 - e^-v``, below 1."""
        return -(-logits).expm1()

    def conjugate(self, logits: Tensor) -> Tensor:
        """``2 - 2 e^(-v/2)``."""
        return -2 * (-logits / 2).expm1()

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``2 log u``."""
        return 2 * log_ratio


@dataclass(frozen=True)
class SquaredHellinger(Divergence):
    """``E_Q (sqrt(u) - 1)^2``: ``T = 1 - 1/sqrt(u)``, ``g_f(v) = 1 - e^-v``, ``f*(t) = t/(1 - t)``.

    This is the integral of ``(sqrt(p) - sqrt(q))^2``, between 0 and 2; half of it is also in use.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """``1 - e^-v``, below 1."""
        return -(-logits).expm1()

    def conjugate(self, logits: Tensor) -> Tensor:
        """``e^v - 1``."""
        return logits.expm1()

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``log(u) / 2``."""
        return log_ratio / 2


@dataclass(frozen=True)
class JensenShannon(Divergence):
    """Twice the Jensen-Shannon divergence, between 0 and ``2 ln 2``.

    ``f(u) = u log u - (u + 1) log((u + 1)/2)``, ``T = log(2u/(u + 1))``,
    ``g_f(v) = log 2 - log(1 + e^-v)``, ``f*(t) = -log(2 - e^t)``. That is the generator function
    of the paper's table, whose integral is twice the mean of the two Kullback-Leibler divergences
    to ``(p + q)/2``.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """``log 2 - log(1 + e^-v)``, below log 2."""
        return math.log(2) - functional.softplus(-logits)

    def conjugate(self, logits: Tensor) -> Tensor:
        """``log(1 + e^v) - log 2``."""
        return functional.softplus(logits) - math.log(2)

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``log u``."""
        return log_ratio


@dataclass(frozen=True)
class GANDivergence(Divergence):
    """What the game of Goodfellow et al. (2014, arXiv:1406.2661) minimises: ``2 JS - ln 4``.

    ``f(u) = u log u - (u + 1) log(u + 1)``, so that ``f(1) = -ln 4`` and not 0; ``T = log D``,
    ``g_f(v) = -log(1 + e^-v)``, ``f*(t) = -log(1 - e^t)``. With the saddle point's generator this
    is the loss ``minimax``, with the alternative one ``non_saturating``.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """``log sigmoid(v)``, below 0."""
        return functional.logsigmoid(logits)

    def conjugate(self, logits: Tensor) -> Tensor:
        """``-log(1 - sigmoid(v))``."""
        return functional.softplus(logits)

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``log u``, the logit of ``D = p/(p + q)``."""
        return log_ratio


@dataclass(frozen=True)
class TotalVariation(Divergence):
    """``E_Q |u - 1| / 2``: ``T = sign(u - 1) / 2``, ``g_f(v) = tanh(v) / 2``, ``f*(t) = t``.

    Between 0 and 1. The best T is reached as ``|v|`` grows without bound.
    """

    def activation(self, logits: Tensor) -> Tensor:
        """``tanh(v) / 2``, between -1/2 and 1/2."""
        return logits.tanh() / 2

    def conjugate(self, logits: Tensor) -> Tensor:
        """``tanh(v) / 2``."""
        return logits.tanh() / 2

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """Infinite, with the sign of ``u - 1``; 0 where that is 0, as any output is best there."""
        return torch.where(log_ratio == 0, 0.0, math.inf * log_ratio.sign())


@defaults_from("loss/f_gan_alpha")
@dataclass(frozen=True, kw_only=True)
class Alpha(Divergence):
    """``E_Q (u^a - 1 - a (u - 1)) / (a (a - 1))``, a family with most of the others in it.

    ``T = (u^(a - 1) - 1) / (a - 1)`` and ``f*(t) = ((a - 1) t + 1)^(a/(a - 1)) / a - 1/a``. Towards
    1 and 0 it becomes the Kullback-Leibler divergence and the reverse one, 2 gives half of
    Pearson's and -1 half of Neyman's, 1/2 twice the squared Hellinger distance. The activation is
    ``g_f(v) = v`` above 1 and ``1/(1 - a) - log(1 + e^-v)`` below.

    Departures: above 1, ``f*`` is ``-1/a`` where its base would be negative, which is its value
    for ``u >= 0``. Between 1/2 and 1 the conjugate grows like ``e^(v a/(1 - a))`` and leaves
    float32 before ``v = 80``; at 0.9 it does at 9.

    Args:
        alpha: ``a``, finite, neither 0 nor 1.

    Raises:
        InputError: if alpha is 0, 1 or not finite.
    """

    alpha: float = FROM_CONFIG

    def __post_init__(self) -> None:
        if not math.isfinite(self.alpha) or self.alpha in (0, 1):
            raise InputError(f"alpha must be finite and neither 0 nor 1, not {self.alpha}")

    def activation(self, logits: Tensor) -> Tensor:
        """``v`` for alpha above 1, else ``1/(1 - a) - log(1 + e^-v)``."""
        if self.alpha > 1:
            return logits
        return 1 / (1 - self.alpha) - functional.softplus(-logits)

    def conjugate(self, logits: Tensor) -> Tensor:
        """``((a - 1) t + 1)^(a/(a - 1)) / a - 1/a`` of the activation's value t."""
        exponent = self.alpha / (self.alpha - 1)
        if self.alpha > 1:
            power = functional.relu((self.alpha - 1) * logits + 1) ** exponent
        else:
            power = (exponent * (math.log(1 - self.alpha) + _log_softplus(-logits))).exp()
        return (power - 1) / self.alpha

    def best_output(self, log_ratio: Tensor) -> Tensor:
        """``T = (u^(a - 1) - 1)/(a - 1)`` above 1, else ``-log(e^x - 1)``, x = 1/(1 - a) - T."""
        if self.alpha > 1:
            return ((self.alpha - 1) * log_ratio).expm1() / (self.alpha - 1)
        rest = ((self.alpha - 1) * log_ratio).exp() / (1 - self.alpha)  # log(1 + e^-v)
        return -(rest + (-(-rest).expm1()).log())


def _log_softplus(values: Tensor) -> Tensor:
    """``log(log(1 + e^x))``, which is ``x - e^x/2`` to rounding where e^x is small."""
    small = values < -15
    near = functional.softplus(values.masked_fill(small, 0)).log()
    far = values - values.clamp(max=-15).exp() / 2
    return torch.where(small, far, near)
