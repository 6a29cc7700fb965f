"""The best discriminator against a fixed generator, and what the game is worth with it.

p is the density of real data and q that of generated data throughout.
"""

import math
from functools import singledispatch

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.losses import FGAN, Energy, Hinge, LeastSquares, Minimax, PointwiseLoss, Relativistic
from ganzoo.losses.base import AdversarialLoss
from ganzoo.losses.relativistic import PairedComparison
from ganzoo.theory.densities import Density, jensen_shannon, kinked_mesh

_LARGE = 1e300

VALUE_AT_EQUILIBRIUM = -math.log(4)
"""The value of the first paper's game where generated data are real data, and D = 1/2."""


def optimal_logit(log_p: Tensor, log_q: Tensor) -> Tensor:
    """``log p - log q``, of which the sigmoid is the best discriminator.

    Args:
        log_p: log densities or log-probabilities of real data, any shape; ``-inf`` is none.
        log_q: likewise of generated data.

    Returns:
        The same shape; infinite where only one is positive, and 0 where neither is, as any output
        is best there.
    """
    nowhere = (log_p == -math.inf) & (log_q == -math.inf)
    return log_p.masked_fill(nowhere, 0) - log_q.masked_fill(nowhere, 0)


def optimal_discriminator(log_p: Tensor, log_q: Tensor) -> Tensor:
    """``D* = p/(p + q)``: Goodfellow et al. (2014, arXiv:1406.2661), proposition 1.

    It is 1/2 where the densities are equal. The arguments are as of :func:`optimal_logit`.
    """
    return optimal_logit(log_p, log_q).sigmoid()


@singledispatch
def optimal_output(loss: AdversarialLoss, log_p: Tensor, log_q: Tensor) -> Tensor:
    """What a discriminator without limits puts out, the least of ``p real_cost + q fake_cost``.

    Minimax and NonSaturating: ``log p - log q`` (with labels smoothed by s, the logit of
    ``(1 - s) p/(p + q)``). LeastSquares: ``(b p + a q)/(p + q)``, Mao et al. (2017,
    arXiv:1611.04076), equation 5. Hinge: ``sign(p - q)``, Lim and Ye (2017, arXiv:1705.02894).
    Energy: energy 0 where p is larger, the margin where q is, Zhao et al. (2017,
    arXiv:1609.03126), lemma 1. FGAN: the v with ``g_f(v) = f'(p/q)``, Nowozin et al. (2016,
    arXiv:1606.00709), equation 5. Relativistic with pairs and logistic costs: ``log p - log q``
    plus any constant, as the likelihood ratio of a pair in its two orders is a difference of such.
    Where all outputs of a range do as well, at ``p = q`` for hinge and energy and where there is
    no density, it is 0. (The critic of Wasserstein is not of this kind, as its slope is limited:
    see :mod:`ganzoo.theory.potential`.)

    Args:
        loss: of :mod:`ganzoo.losses`.
        log_p: log densities or log-probabilities of real data, any shape; ``-inf`` is none.
        log_q: likewise of generated data.

    Returns:
        The same shape; it may be infinite.

    Raises:
        InputError: if no closed form is known for the loss.
    """
    raise InputError(
        f"{type(loss).__name__} has no best output in closed form here: take minimax, "
        "non_saturating, least_squares, hinge, energy, an f_gan, or relativistic with pairs of "
        "logistic costs; the critic of wasserstein is a Kantorovich potential"
    )


@optimal_output.register
def _(loss: Minimax, log_p: Tensor, log_q: Tensor) -> Tensor:
    if loss.label_smoothing == 0:
        return optimal_logit(log_p, log_q)
    share = loss.label_smoothing
    rest = torch.logaddexp(log_p + math.log(share), log_q)
    return optimal_logit(log_p + math.log1p(-share), rest)


@optimal_output.register
def _(loss: LeastSquares, log_p: Tensor, log_q: Tensor) -> Tensor:
    ratio = optimal_logit(log_p, log_q)
    return loss.real_target * ratio.sigmoid() + loss.fake_target * (-ratio).sigmoid()


@optimal_output.register
def _(loss: Hinge, log_p: Tensor, log_q: Tensor) -> Tensor:
    return optimal_logit(log_p, log_q).sign()


@optimal_output.register
def _(loss: Energy, log_p: Tensor, log_q: Tensor) -> Tensor:
    ratio = optimal_logit(log_p, log_q)
    at_margin = -(loss.margin + math.log(-math.expm1(-loss.margin)))
    lower = torch.full_like(ratio, at_margin)
    return lower.masked_fill(ratio > 0, math.inf).masked_fill(ratio == 0, 0)


@optimal_output.register
def _(loss: FGAN, log_p: Tensor, log_q: Tensor) -> Tensor:
    return loss.divergence.best_output(optimal_logit(log_p, log_q))


@optimal_output.register
def _(loss: Relativistic, log_p: Tensor, log_q: Tensor) -> Tensor:
    costs = loss.loss
    logistic = isinstance(costs, Minimax) and costs.label_smoothing == 0
    if not (logistic and isinstance(loss.comparison, PairedComparison)):
        raise InputError(
            "Relativistic has a best output in closed form with pairs and logistic costs only, not "
            f"with {type(loss.comparison).__name__} and {type(costs).__name__}"
        )
    return optimal_logit(log_p, log_q)


def expected_loss(loss: PointwiseLoss, outputs: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """What the discriminator pays, with expectations in place of batch means.

    Args:
        loss: gives the costs of outputs.
        outputs: the discriminator's, ``[...]``, at outcomes or at points of quadrature.
        p: masses of real data there, of the same shape: probabilities, or densities times weights.
        q: masses of generated data.

    Returns:
        Scalar. Minus it is the value V of the game. (With E the *negative* cross-entropy's
        expectation, as in a text that the library follows, ``E = -V``: its optimum over D is a
        minimum, ``ln 4 - 2 JS``, and that of V is the maximum ``-ln 4 + 2 JS``. The text has the
        second for the first, a slip.)

    Raises:
        InputError: if a cost is infinite or NaN where there is mass.
    """
    return _costs(loss, outputs, p, q).sum()


def _costs(loss: PointwiseLoss, outputs: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """``p real_cost + q fake_cost``, of the outputs' shape."""
    within = outputs.clamp(-_LARGE, _LARGE)  # costs of infinite outputs are NaN, as 0 * inf is
    return _mass_times(p, loss.real_cost(within)) + _mass_times(q, loss.fake_cost(within))


def _mass_times(mass: Tensor, cost: Tensor) -> Tensor:
    present = mass >= torch.finfo(mass.dtype).tiny
    if not bool((cost[present].abs() < _LARGE).all()):
        raise InputError("a cost is infinite where there is data: the outputs are out of range")
    return mass * cost.masked_fill(~present, 0)


def optimal_loss(loss: PointwiseLoss, p: Density, q: Density) -> Tensor:
    """The least that a discriminator can pay, by the loss's own costs at its best outputs.

    It is :func:`expected_loss` by quadrature; for minimax it is ``ln 4 - 2 JS``, for an
    FGAN minus the divergence.

    Args:
        loss: with a closed form in :func:`optimal_output`.
        p: density of real data.
        q: density of generated data.

    Returns:
        Scalar, float64, differentiable by the tensors in the densities.

    Raises:
        InputError: if no best output is known, a density does not integrate to 1, or costs
            overflow.
    """

    def integrand(points: Tensor) -> Tensor:
        log_p, log_q = p.log(points), q.log(points)
        return _costs(loss, optimal_output(loss, log_p, log_q), log_p.exp(), log_q.exp())

    mesh = kinked_mesh(p, q, integrand)
    return mesh.integrate(integrand(mesh.points))


def loss_at_equilibrium(loss: PointwiseLoss) -> Tensor:
    """What the best discriminator pays where generated data are distributed as real data.

    ``ln 4`` for minimax. It is the same for all data, as ``p = q`` cancels.

    Raises:
        InputError: if no best output is known.
    """
    one = torch.zeros(1, dtype=torch.float64)
    return expected_loss(loss, optimal_output(loss, one, one), one.exp(), one.exp())


def optimal_value(p: Density, q: Density) -> Tensor:
    """``-ln 4 + 2 JS(p, q)``, the first game's value V with the best discriminator.

    Goodfellow et al. (2014, arXiv:1406.2661), theorem 1: least, :data:`VALUE_AT_EQUILIBRIUM`,
    where ``p = q``.

    Raises:
        InputError: if a density does not integrate to 1.
    """
    return VALUE_AT_EQUILIBRIUM + 2 * jensen_shannon(p, q)
