"""Adversarial objectives: functions of the discriminator's outputs and of nothing else."""

from ganzoo.losses.base import AdversarialLoss, PointwiseLoss
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.least_squares import LeastSquares
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.losses.wasserstein import Wasserstein

__all__ = [
    "AdversarialLoss",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "PointwiseLoss",
    "Wasserstein",
]
