"""What shapes the players' steps: gradient clipping and learning rate schedules."""

from ganzoo.optim.clipping import ClipByNorm, ClipByValue, GradientClipping
from ganzoo.optim.schedules import cosine_decay, linear_decay

__all__ = [
    "ClipByNorm",
    "ClipByValue",
    "GradientClipping",
    "cosine_decay",
    "linear_decay",
]
