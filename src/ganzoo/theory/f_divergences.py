"""f-divergences as densities, from what the loss of f-GAN knows of them.

At the best output of a discriminator the bound of f-GAN is an equality at each point (Nowozin et
al. 2016, arXiv:1606.00709, section 2): with ``T = f'(p/q)``

    q f(p/q) = p T - q f*(T),

and both sides on the right are the zoo's own (:mod:`ganzoo.losses.divergences`).
"""

import math
from functools import cache

import torch
from numpy.polynomial import legendre
from torch import Tensor

from ganzoo.losses.divergences import Divergence

# log p/q up to which p T and q f*(T) are so near to each other that digits would be lost.
_NEAR = 1.0
_NODES = 16
# log p/q beyond which the smaller density is taken to be this much smaller than the larger one,
# which changes q f(p/q) by nothing, or where f grows faster than u log u by a factor below 2.
_FAR = 300.0


def integrand(kind: Divergence, log_p: Tensor, log_q: Tensor) -> Tensor:
    """A density that integrates to ``D_f(P || Q)``: ``q f(p/q) - f'(1) (p - q)``.

    What is taken off integrates to 0, and leaves close distributions their digits; the rest is
    never negative where ``f(1) = 0``. Differentiable once: by p it is ``T - T(1)``, and by q the
    same of ``-f*``, as the best output is where the bound is flat.

    Args:
        kind: The divergence, in whose normalisation the result is.
        log_p: Log densities or log-probabilities, of any shape, float64; ``-inf`` is none.
        log_q: Of the same shape.

    Returns:
        The same shape; infinite where a density stands alone and f has no limit there.
    """
    with torch.no_grad():
        nowhere = (log_p == -math.inf) & (log_q == -math.inf)
        ratio = torch.where(nowhere, 0.0, log_p - log_q)
        of_p, of_q = _parts(kind, ratio, log_p, log_q)
        level = torch.subtract(*_best(kind, torch.zeros_like(ratio))) * log_q.exp()  # q f(1)
        value = (of_p - of_q).nan_to_num(math.inf, math.inf, math.inf)
        value = torch.where(ratio.abs() < _NEAR, _near(kind, log_q.exp(), ratio), value)
        value = (value.clamp(min=0) + level).masked_fill(nowhere, 0)
    along = _linear(of_p, log_p) + _linear(level - of_q, log_q)
    return value + (along - along.detach())


def has_kink(kind: Divergence) -> bool:
    """Whether f has a kink at 1, so that the integrand has one where ``p = q``."""
    beside, _ = _best(kind, torch.tensor([-1e-9, 1e-9], dtype=torch.float64))
    return bool(beside.diff() > _NEAR / 2)


def _best(kind: Divergence, ratio: Tensor) -> tuple[Tensor, Tensor]:
    """``T`` and ``f*(T)`` at the best output."""
    output = kind.best_output(ratio)
    return kind.activation(output), kind.conjugate(output)


def _costs(kind: Divergence, ratio: Tensor) -> tuple[Tensor, Tensor]:
    """The same less what they are where ``p = q``."""
    variational, conjugate = _best(kind, ratio)
    at_equal, conjugate_at_equal = _best(kind, torch.zeros_like(ratio))
    return variational - at_equal, conjugate - conjugate_at_equal


def _near(kind: Divergence, q: Tensor, ratio: Tensor) -> Tensor:
    """``q`` times the integral of ``e^s (T(s) - T(0))`` from 0 to ``log p/q``."""
    within = ratio.clamp(-_NEAR, _NEAR)
    nodes, weights = _rule()
    places = within.unsqueeze(-1) * nodes
    of_p, _ = _costs(kind, places)
    return q * within * (weights * places.exp() * of_p).sum(-1)


def _parts(kind: Divergence, ratio: Tensor, log_p: Tensor, log_q: Tensor) -> tuple[Tensor, Tensor]:
    """``p (T - T(0))`` and ``q (f*(T) - f*(T(0)))``."""
    of_p, _ = _costs(kind, ratio.clamp(min=-_FAR))
    _, of_q = _costs(kind, ratio.clamp(max=_FAR))
    p = torch.maximum(log_p, log_q - _FAR).exp()
    q = torch.maximum(log_q, log_p - _FAR).exp()
    return p * of_p.masked_fill(p == 0, 0), q * of_q.masked_fill(q == 0, 0)


def _linear(slope: Tensor, logs: Tensor) -> Tensor:
    """A function of log densities with a slope, which is 0 where infinite or without a density."""
    finite = slope.isfinite() & (logs > -math.inf)
    return torch.where(finite, slope, 0) * logs.masked_fill(logs == -math.inf, 0)


@cache
def _rule() -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes and weights on (0, 1)."""
    nodes, weights = legendre.leggauss(_NODES)
    return torch.tensor((nodes + 1) / 2), torch.tensor(weights / 2)
