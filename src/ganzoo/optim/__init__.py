"""What shapes the players' steps: update rules, optimizers, clipping and schedules.

Update rules say how the players of a game move in a round, and work with any optimizers; the
optimizers here are made for one player of a game, and work with any rule and any torch module.
"""

from ganzoo.optim.base import UpdateRule
from ganzoo.optim.clipping import ClipByNorm, ClipByValue, GradientClipping
from ganzoo.optim.competitive_gradient_descent import CompetitiveGradientDescent
from ganzoo.optim.consensus import ConsensusOptimization
from ganzoo.optim.extragradient import Extragradient
from ganzoo.optim.gradient_play import Alternating, Simultaneous
from ganzoo.optim.lookahead import Lookahead
from ganzoo.optim.negative_momentum import NegativeMomentumAdam, NegativeMomentumSGD
from ganzoo.optim.optimistic import OptimisticAdam, OptimisticSGD
from ganzoo.optim.past_extragradient import PastExtragradient
from ganzoo.optim.schedules import cosine_decay, linear_decay
from ganzoo.optim.symplectic_gradient_adjustment import SignAlignment, SymplecticGradientAdjustment

__all__ = [
    "Alternating",
    "ClipByNorm",
    "ClipByValue",
    "CompetitiveGradientDescent",
    "ConsensusOptimization",
    "Extragradient",
    "GradientClipping",
    "Lookahead",
    "NegativeMomentumAdam",
    "NegativeMomentumSGD",
    "OptimisticAdam",
    "OptimisticSGD",
    "PastExtragradient",
    "SignAlignment",
    "Simultaneous",
    "SymplecticGradientAdjustment",
    "UpdateRule",
    "cosine_decay",
    "linear_decay",
]
