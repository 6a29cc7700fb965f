"""Settings that change while a run goes on."""

import math
from dataclasses import dataclass

from ganzoo.errors import check_not_negative, check_positive
from ganzoo.progress import Progress, Unit, check_unit


@dataclass(frozen=True, kw_only=True)
class CosineAnnealing:
    """From a first to a last value along half a cosine wave: for numbers that may change in time.

    As R3GAN has it for the weights of penalties and the half-life of averages (Huang et al. 2024,
    arXiv 2501.05441, appendix).

    Args:
        first: Value at time 0, at least 0.
        last: Value from ``end`` on, at least 0.
        end: Time at the end of the half wave, positive.
        unit: Of that, ``"iterations"`` or ``"images"`` shown.

    Raises:
        InputError: if a number is out of range.
    """

    first: float
    last: float
    end: int
    unit: Unit

    def __post_init__(self) -> None:
        check_not_negative(first=self.first, last=self.last)
        check_positive(end=self.end)
        check_unit(self.unit)

    def at(self, time: float) -> float:
        """The value at a time, in the unit of the end."""
        return half_cosine(self.first, self.last, min(time / self.end, 1.0))


Setting = float | CosineAnnealing
"""A number, or how it changes."""


def half_cosine(first: float, last: float, share: float) -> float:
    """The value at a share of the way, in [0, 1], along half a cosine wave."""
    return last + (first - last) * (1.0 + math.cos(math.pi * share)) / 2.0


def check_setting(name: str, setting: Setting) -> None:
    """Refuse what is neither a number from 0 up nor changes in time.

    Raises:
        InputError: naming the setting.
    """
    if not isinstance(setting, CosineAnnealing):
        check_not_negative(**{name: setting})


def value_before(setting: Setting, progress: Progress) -> float:
    """The value that counts in the next iteration."""
    if not isinstance(setting, CosineAnnealing):
        return setting
    return setting.at(progress.in_unit(setting.unit))
