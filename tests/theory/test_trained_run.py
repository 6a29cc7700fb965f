"""Optimizers of the library on a game, against what the analysis of their operators says."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from ganzoo import optim
from ganzoo.losses.minimax import Minimax
from ganzoo.theory import operators
from ganzoo.theory.gaussian_games import GaussianMeanGAN
from ganzoo.theory.operators_competitive import CompetitiveGradientDescent
from ganzoo.theory.operators_extrapolation import Extragradient, ExtrapolationFromThePast
from ganzoo.theory.operators_lookahead import LookaheadMinimax
from ganzoo.theory.operators_memory import HeavyBall, Optimistic
from ganzoo.theory.operators_second_order import Consensus, SymplecticGradientAdjustment
from ganzoo.theory.trajectories import measured_rate
from ganzoo.theory.verdict import analyse

RATE, STEPS = 0.2, 300
GAME = GaussianMeanGAN(loss=Minimax(label_smoothing=0.0), mean=[1.0], deviation=1.0, nodes=12)
SGD = partial(torch.optim.SGD, lr=RATE)
PLAIN = operators.GradientDescent(learning_rate=RATE)
IN_TURNS = operators.Alternating(rule=PLAIN, discriminator_steps=1)


def turns(rule):
    return operators.Alternating(rule=rule, discriminator_steps=1)


CASES = {
    "alternating": (optim.Alternating(), SGD, IN_TURNS),
    "simultaneous": (optim.Simultaneous(), SGD, operators.Simultaneous(rule=PLAIN)),
    "extragradient": (optim.Extragradient(), SGD, Extragradient(learning_rate=RATE)),
    "past_extragradient": (
        optim.PastExtragradient(),
        SGD,
        ExtrapolationFromThePast(learning_rate=RATE),
    ),
    "consensus": (
        optim.ConsensusOptimization(weight=0.5),
        SGD,
        Consensus(learning_rate=RATE, weight=0.5),
    ),
    "symplectic_gradient_adjustment": (
        optim.SymplecticGradientAdjustment(weight=0.5, alignment=None),
        SGD,
        SymplecticGradientAdjustment(learning_rate=RATE, weight=0.5),
    ),
    "competitive_gradient_descent": (
        optim.CompetitiveGradientDescent(tolerance=1e-10, iterations=20),
        SGD,
        CompetitiveGradientDescent(learning_rate=RATE),
    ),
    "lookahead": (
        optim.Lookahead(optim.Alternating(), steps=5, weight=0.5),
        SGD,
        LookaheadMinimax(operator=IN_TURNS, steps=5, interpolation=0.5),
    ),
    "optimistic": (
        optim.Simultaneous(),
        partial(optim.OptimisticSGD, lr=RATE),
        operators.Simultaneous(rule=Optimistic(learning_rate=RATE)),
    ),
    "negative_momentum": (
        optim.Alternating(),
        partial(optim.NegativeMomentumSGD, lr=RATE, momentum=-0.3),
        turns(HeavyBall(learning_rate=RATE, momentum=-0.3)),
    ),
}


def played(rule, optimizer):
    """The points of a run in which torch's parameters are trained: ``[STEPS + 1, N]``."""
    own = {
        name: nn.Parameter(torch.full((size,), 0.4).double()) for name, size in GAME.sizes.items()
    }
    players = [
        optim.Competitor(
            name=name,
            parameters=[parameter],
            optimizer=optimizer([parameter]),
            objective=partial(GAME.objective, name, own),
        )
        for name, parameter in own.items()
    ]
    points = [torch.cat([p.detach().clone() for p in own.values()])]
    for _ in range(STEPS):
        rule.play(players)
        rule.finish(players)
        points.append(torch.cat([p.detach().clone() for p in own.values()]))
    return torch.stack(points)


@pytest.mark.parametrize("name", CASES)
def test_a_run_ends_where_the_analysis_says_at_the_rate_that_it_predicts(name):
    rule, optimizer, operator = CASES[name]
    target = GAME.equilibrium
    predicted = analyse(operator, GAME, target, tolerance=1e-9).rate
    points = played(rule, optimizer)
    steps = 5 if name == "lookahead" else 1  # of the library in one of the operator
    measured = measured_rate(points[::steps], target, skip=len(points[::steps]) // 3)
    assert predicted < 1
    assert torch.linalg.vector_norm(points[-1] - target) < 0.1 * torch.linalg.vector_norm(
        points[0] - target
    )
    assert math.log(measured) == pytest.approx(math.log(predicted), rel=0.1)
