"""Terms of the discriminator's loss that need the discriminator itself, not only its outputs."""

from ganzoo.penalties.base import Discriminator, Penalty
from ganzoo.penalties.dragan import DRAGAN
from ganzoo.penalties.gradient_penalty import GradientPenalty, OneSidedGradientPenalty
from ganzoo.penalties.zero_centered import R1, R2

__all__ = [
    "DRAGAN",
    "R1",
    "R2",
    "Discriminator",
    "GradientPenalty",
    "OneSidedGradientPenalty",
    "Penalty",
]
