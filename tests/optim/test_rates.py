"""Rates of convergence on games that only circle: as the papers' matrices say.

The Dirac-GAN of Mescheder et al. (2018, arXiv 1801.04406) and random bilinear games have at their
equilibrium the Jacobian [[0, B], [-B^T, 0]]. Each rule is a linear map there, written out below
from its paper; its spectral radius is what a game must show.
"""

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus
from torch.optim import SGD

from ganzoo.optim import (
    Alternating,
    CompetitiveGradientDescent,
    ConsensusOptimization,
    Extragradient,
    Lookahead,
    NegativeMomentumSGD,
    OptimisticSGD,
    PastExtragradient,
    SignAlignment,
    Simultaneous,
    SymplecticGradientAdjustment,
)

LR = 0.3
MATRIX = np.array([[0.9, 0.3], [-0.1, 0.4]])

GAMES = {
    "bilinear": (MATRIX, lambda x, y: x @ torch.from_numpy(MATRIX) @ y),
    "dirac": (np.array([[0.5]]), lambda x, y: -softplus(-x @ y)),
    "dirac_wasserstein": (np.array([[1.0]]), lambda x, y: x @ y),
}


def parts(block):
    """The identity, and the Jacobian of the players' gradients."""
    zero = np.zeros_like(block)
    return np.eye(2 * len(block)), np.block([[zero, block], [-block.T, zero]])


def simultaneous(block):
    one, jacobian = parts(block)
    return one - LR * jacobian


def alternating(block, momentum=0.0):
    """Heavy ball, alternating: the second player sees where the first has come to."""
    k = len(block)
    one, zero = np.eye(k), np.zeros((k, k))
    first = np.block([(1 + momentum) * one, -LR * block, -momentum * one, zero])
    second = np.block([zero, (1 + momentum) * one, zero, -momentum * one]) + LR * block.T @ first
    return np.vstack([first, second, np.eye(2 * k, 4 * k)])


def simultaneous_momentum(block, momentum):
    one, jacobian = parts(block)
    return np.block([[(1 + momentum) * one - LR * jacobian, -momentum * one], [one, 0 * one]])


def extragradient(block):
    one, jacobian = parts(block)
    return one - LR * jacobian @ (one - LR * jacobian)


def past_extragradient(block):
    one, jacobian = parts(block)
    return np.block([[one, -LR * jacobian], [one, -2 * LR * jacobian]])


def optimistic(block):
    one, jacobian = parts(block)
    return np.block([[one - 2 * LR * jacobian, LR * jacobian], [one, 0 * one]])


def consensus(block, weight):
    one, jacobian = parts(block)
    return one - LR * (jacobian + weight * jacobian.T @ jacobian)


def adjusted(block, weight):
    one, jacobian = parts(block)
    return one - LR * (jacobian + weight * ((jacobian - jacobian.T) / 2).T @ jacobian)


def competitive(block):
    one, jacobian = parts(block)
    return one - LR * np.linalg.inv(one + LR * jacobian) @ jacobian


def lookahead(step, steps, weight):
    return (1 - weight) * np.eye(len(step)) + weight * np.linalg.matrix_power(step, steps)


def radius(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


def _adjustment(weight, alignment=None):
    return SymplecticGradientAdjustment(weight=weight, alignment=alignment)


def _competitive():
    return CompetitiveGradientDescent(tolerance=1e-10, iterations=8)


def _looking(rule):
    return Lookahead(rule, steps=5, weight=0.5)


HALF = partial(NegativeMomentumSGD, momentum=-0.5)
CASES = {  # a rule, an optimizer, the map of so many iterations, what the papers say
    "simultaneous": (Simultaneous, SGD, simultaneous, 1, "diverges"),
    "alternating": (Alternating, SGD, alternating, 1, "circles"),
    "extragradient": (Extragradient, SGD, extragradient, 1, "converges"),
    "past": (PastExtragradient, SGD, past_extragradient, 1, "converges"),
    "optimistic": (Simultaneous, OptimisticSGD, optimistic, 1, "converges"),
    "consensus": (
        partial(ConsensusOptimization, weight=0.8),
        SGD,
        partial(consensus, weight=0.8),
        1,
        "converges",
    ),
    "adjusted": (partial(_adjustment, 0.8), SGD, partial(adjusted, weight=0.8), 1, "converges"),
    "aligned": (
        partial(_adjustment, 0.8, SignAlignment(offset=0.1)),
        SGD,
        partial(adjusted, weight=0.8),
        1,
        "converges",
    ),
    "competitive": (_competitive, SGD, competitive, 1, "converges"),
    "lookahead": (
        lambda: _looking(Simultaneous()),
        SGD,
        lambda block: lookahead(simultaneous(block), 5, 0.5),
        5,
        "converges",
    ),
    "lookahead in turns": (
        lambda: _looking(Alternating()),
        SGD,
        lambda block: lookahead(_without_momentum(block), 5, 0.5),
        5,
        "converges",
    ),
    "negative momentum in turns": (
        Alternating,
        HALF,
        partial(alternating, momentum=-0.5),
        1,
        "converges",
    ),
    "negative momentum at once": (
        Simultaneous,
        HALF,
        partial(simultaneous_momentum, momentum=-0.5),
        1,
        "diverges",
    ),
}


def _without_momentum(block):
    return alternating(block)[: 2 * len(block), : 2 * len(block)]


VERDICTS = {
    "converges": lambda rate: rate < 0.999,
    "circles": lambda rate: abs(rate - 1) < 1e-6,
    "diverges": lambda rate: rate > 1.001,
}


def measured(game, block, value, rule, optimizer, every, rounds):
    """The mean rate of change of the distance from zero, for one iteration."""
    size = len(block)
    torch.manual_seed(0)
    start = [1e-9 * torch.randn(size, dtype=torch.float64) for _ in range(2)]
    objectives = [
        lambda z: value(z[:size], z[size:]).sum(),
        lambda z: -value(z[:size], z[size:]).sum(),
    ]
    it = game(objectives, start, lambda own: optimizer(own, lr=LR))
    distances = it.follow(rule, rounds)[every - 1 :: every].norm(dim=1).log().numpy()
    times = every * np.arange(len(distances))
    late = len(times) // 2
    return np.exp(np.polyfit(times[late:], distances[late:], 1)[0])


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("case", CASES)
def test_the_measured_rate_is_the_papers_and_so_is_the_verdict(case, name, game):
    make, optimizer, matrix, every, verdict = CASES[case]
    block, value = GAMES[name]
    expected = radius(matrix(block)) ** (1 / every)
    rounds = 600 if optimizer is HALF else 300  # its two rates are close to each other
    found = measured(game, block, value, make(), optimizer, every, rounds)
    assert found == pytest.approx(expected, abs=1e-4 + 0.02 * abs(expected - 1))
    assert VERDICTS[verdict](expected)


def test_negative_momentum_is_better_than_none_or_positive_in_turns():
    rates = {m: radius(alternating(GAMES["bilinear"][0], m)) for m in (-0.5, 0.0, 0.5)}
    assert rates[0.0] == pytest.approx(1.0)
    assert rates[-0.5] < 0.999
    assert rates[0.5] > 1.005


def test_extragradient_diverges_past_its_largest_rate_and_so_does_its_matrix(game):
    """For a rate above 1 / L even extrapolation does not help (Korpelevich's bound)."""
    block = np.array([[1.1 / LR]])
    rule, expected = Extragradient(), radius(extragradient(block))
    found = measured(game, block, lambda x, y: (1.1 / LR) * x @ y, rule, SGD, 1, rounds=100)
    assert found == pytest.approx(expected, abs=1e-3) and found > 1
