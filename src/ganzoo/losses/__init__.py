"""Adversarial objectives: functions of the discriminator's outputs and of nothing else.

:class:`AdversarialTerm` brings one of them, with its discriminator, to a module that has a loss of
its own.
"""

from ganzoo.losses.adversarial_term import AdversarialTerm, WeightedTerms
from ganzoo.losses.base import AdversarialLoss, ComparativeLoss, PointwiseLoss
from ganzoo.losses.boundary_equilibrium import BoundaryEquilibrium
from ganzoo.losses.cramer import Cramer
from ganzoo.losses.divergences import (
    Alpha,
    Divergence,
    GANDivergence,
    JensenShannon,
    KullbackLeibler,
    NeymanChiSquared,
    PearsonChiSquared,
    ReverseKullbackLeibler,
    SquaredHellinger,
    TotalVariation,
)
from ganzoo.losses.drift import Drift
from ganzoo.losses.energy import Energy
from ganzoo.losses.f_gan import FGAN, AlternativeObjective, SaddlePointObjective
from ganzoo.losses.fisher import Fisher
from ganzoo.losses.hinge import Hinge
from ganzoo.losses.kernels import GaussianKernel, Kernel, NegativeDistance, RationalQuadratic
from ganzoo.losses.least_squares import LeastSquares
from ganzoo.losses.maximum_mean_discrepancy import MaximumMeanDiscrepancy
from ganzoo.losses.minimax import Minimax, NonSaturating
from ganzoo.losses.perceptual_distance import PerceptualDistance
from ganzoo.losses.relativistic import AverageComparison, PairedComparison, Relativistic
from ganzoo.losses.top_k import TopK
from ganzoo.losses.wasserstein import Wasserstein

__all__ = [
    "FGAN",
    "AdversarialLoss",
    "AdversarialTerm",
    "Alpha",
    "AlternativeObjective",
    "AverageComparison",
    "BoundaryEquilibrium",
    "ComparativeLoss",
    "Cramer",
    "Divergence",
    "Drift",
    "Energy",
    "Fisher",
    "GANDivergence",
    "GaussianKernel",
    "Hinge",
    "JensenShannon",
    "Kernel",
    "KullbackLeibler",
    "LeastSquares",
    "MaximumMeanDiscrepancy",
    "Minimax",
    "NegativeDistance",
    "NeymanChiSquared",
    "NonSaturating",
    "PairedComparison",
    "PearsonChiSquared",
    "PerceptualDistance",
    "PointwiseLoss",
    "RationalQuadratic",
    "Relativistic",
    "ReverseKullbackLeibler",
    "SaddlePointObjective",
    "SquaredHellinger",
    "TopK",
    "TotalVariation",
    "Wasserstein",
    "WeightedTerms",
]
