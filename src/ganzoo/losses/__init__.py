"""Adversarial objectives: functions of the discriminator's outputs and of nothing else."""

from ganzoo.losses.base import AdversarialLoss, ComparativeLoss, PointwiseLoss
from ganzoo.losses.boundary_equilibrium import BoundaryEquilibrium
from ganzoo.losses.cramer import Cramer
from ganzoo.losses.drift import Drift
from ganzoo.losses.energy import Energy
from ganzoo.losses.f_gan import FGAN
from ganzoo.losses.fisher import Fisher
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.least_squares import LeastSquares
from ganzoo.losses.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.non_saturating import NonSaturating
from ganzoo.losses.relativistic import Relativistic
from ganzoo.losses.top_k import TopK
from ganzoo.losses.wasserstein import Wasserstein

__all__ = [
    "FGAN",
    "AdversarialLoss",
    "BoundaryEquilibrium",
    "ComparativeLoss",
    "Cramer",
    "Drift",
    "Energy",
    "Fisher",
    "Hinge",
    "LeastSquares",
    "MaximumMeanDiscrepancy",
    "Minimax",
    "NonSaturating",
    "PointwiseLoss",
    "Relativistic",
    "TopK",
    "Wasserstein",
]
