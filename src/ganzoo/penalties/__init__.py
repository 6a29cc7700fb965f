"""Terms of a player's loss that need a network itself, not only its outputs, and constraints."""

from ganzoo.penalties.approximate_r1 import ApproximateR1, ApproximateR2
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.consistency import BalancedConsistency, Consistency
from ganzoo.penalties.constraint import Constraint
from ganzoo.penalties.context import Context
from ganzoo.penalties.dragan import DRAGAN
from ganzoo.penalties.gradient_penalty import GradientPenalty, OneSidedGradientPenalty
from ganzoo.penalties.historical_averaging import HistoricalAveraging
from ganzoo.penalties.latent_consistency import LatentConsistency, LatentDiversity
from ganzoo.penalties.lecam import LeCam
from ganzoo.penalties.max_gradient import MaxGradient
from ganzoo.penalties.moment_distances import Bures, GaussianKullbackLeibler, SquaredFrobenius
from ganzoo.penalties.moment_matching import MomentMatching
from ganzoo.penalties.orthogonal import Orthogonal, Orthonormal
from ganzoo.penalties.path_length import PathLength
from ganzoo.penalties.pulling_away import PullingAway
from ganzoo.penalties.spectral import SpectralNormPenalty
from ganzoo.penalties.weight_clipping import WeightClipping
from ganzoo.penalties.weights import WeightPenalty
from ganzoo.penalties.wgan_div import WassersteinDivergence
from ganzoo.penalties.zero_centered import R1, R2
from ganzoo.penalties.zero_centered_gradient_penalty import ZeroCenteredGradientPenalty

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "ApproximateR1",
    "ApproximateR2",
    "BalancedConsistency",
    "Bures",
    "Consistency",
    "Constraint",
    "Context",
    "GaussianKullbackLeibler",
    "GradientPenalty",
    "HistoricalAveraging",
    "LatentConsistency",
    "LatentDiversity",
    "LeCam",
    "MaxGradient",
    "MomentMatching",
    "OneSidedGradientPenalty",
    "Orthogonal",
    "Orthonormal",
    "PathLength",
    "Penalty",
    "PullingAway",
    "SpectralNormPenalty",
    "SquaredFrobenius",
    "WassersteinDivergence",
    "WeightClipping",
    "WeightPenalty",
    "ZeroCenteredGradientPenalty",
]
