"""Divergences between distributions over K outcomes."""

import math

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.losses import divergences
from ganzoo.losses.divergences import Divergence
from ganzoo.theory.f_divergences import integrand

# What float32 probabilities may be off.
_TOLERANCE = 1e-5


def divergence(kind: Divergence, p: Tensor, q: Tensor) -> Tensor:
    """``D_f(P || Q)``, the sum of ``q f(p/q)``: Nowozin et al. (2016, arXiv:1606.00709), eq. 2.

    Outcomes that only one of the two has count as the limits of f say: the Kullback-Leibler
    divergence is infinite where p is positive and q is 0, the Jensen-Shannon divergence never is.
    By an outcome of probability 0 the gradient is given as 0; an infinite result has none. First
    derivatives only.

    Args:
        kind: of :mod:`ganzoo.losses.divergences`, in whose normalisation the result is.
        p: probabilities ``[..., K]``.
        q: probabilities ``[..., K]``, of a shape that broadcasts.

    Returns:
        ``[...]``, float64, in nats where f has logarithms.

    Raises:
        InputError: if probabilities are negative, do not sum to 1, or differ in K.
    """
    return divergence_of_logs(kind, log_probabilities(p), log_probabilities(q))


def divergence_of_logs(kind: Divergence, log_p: Tensor, log_q: Tensor) -> Tensor:
    """``D_f(P || Q)`` from log-probabilities ``[..., K]``, of which ``-inf`` is the smallest.

    Args:
        kind: of :mod:`ganzoo.losses.divergences`.
        log_p: log-probabilities ``[..., K]``.
        log_q: log-probabilities ``[..., K]``, of a shape that broadcasts.

    Returns:
        ``[...]``, float64.

    Raises:
        InputError: if the exponentials do not sum to 1, or if they differ in K.
    """
    first, second = log_p.double(), log_q.double()
    if first.shape[-1:] != second.shape[-1:]:
        raise InputError(
            "two distributions must be over the same outcomes, not over "
            f"{first.shape[-1]} and {second.shape[-1]}"
        )
    for logs in (first, second):
        _check_total(logs.exp().sum(-1))
    first, second = first + torch.zeros_like(second), second + torch.zeros_like(first)
    return integrand(kind, first, second).sum(-1)


def kullback_leibler(p: Tensor, q: Tensor) -> Tensor:
    """``KL(P || Q)``, the sum of ``p log p/q``; see :func:`divergence`."""
    return divergence(divergences.KullbackLeibler(), p, q)


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """The mean of ``KL(P || M)`` and ``KL(Q || M)`` with ``M = (P + Q)/2``, from 0 to ln 2.

    Half of what the zoo's ``JensenShannon`` stands for. It is symmetric, and finite also where
    the supports are disjoint; but there it is ln 2 whatever the distance between them, so that it
    gives no gradient. (A text that the library follows says it did: that is a slip, and the reason
    for the Wasserstein distance. See :mod:`ganzoo.theory.parallel_lines`.)
    """
    return divergence(divergences.JensenShannon(), p, q) / 2


def log_probabilities(probabilities: Tensor) -> Tensor:
    """The logarithms of probabilities ``[..., K]`` in float64, ``-inf`` where they are 0.

    Raises:
        InputError: if a probability is negative or NaN, or if they do not sum to 1.
    """
    values = probabilities.double()
    if not values.ndim:
        raise InputError("probabilities must have at least one dimension, [..., K]")
    if not bool((values >= 0).all()):
        raise InputError(f"probabilities must not be negative or NaN, but one is {_worst(values)}")
    _check_total(values.sum(-1))
    return torch.where(values > 0, values, 1).log().masked_fill(values == 0, -math.inf)


def _worst(values: Tensor) -> float:
    return float("nan") if bool(values.isnan().any()) else float(values.min())


def _check_total(totals: Tensor) -> None:
    totals = totals.detach()
    if totals.numel() and not bool(((totals - 1).abs() <= _TOLERANCE).all()):
        worst = totals.flatten()[(totals - 1).abs().nan_to_num(math.inf).argmax()]
        raise InputError(f"probabilities must sum to 1, but they sum to {float(worst):.6g}")
