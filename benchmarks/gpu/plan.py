"""Which parts there are, in order of worth, and how long each may take."""

from dataclasses import dataclass

# Seconds kept back for starting, installing and writing.
RESERVE = 25.0


@dataclass(frozen=True)
class Part:
    """A module of this package that runs in a process of its own.

    Attributes:
        name: ``benchmarks.gpu.NAME``.
        seconds: How long it may take; None for what the others leave.
    """

    name: str
    seconds: float | None


@dataclass(frozen=True)
class Limits:
    """What everything together may take.

    Attributes:
        minutes: For all parts.
        rehearsal: Whether it is only tried, on the CPU, with tiny settings.
    """

    minutes: float
    rehearsal: bool

    @property
    def seconds(self) -> float:
        """For the parts themselves."""
        return 60.0 * self.minutes - RESERVE


def parts(limits: Limits) -> list[Part]:
    """The parts; shares are those of nine minutes, and shrink with the whole.

    A rehearsal may take longer for one part: its machine may be slow, or busy with other tests.
    """
    share = min(1.0, limits.minutes / 9.0) * (6.0 if limits.rehearsal else 1.0)
    return [
        Part("tests", 120.0 * share),
        Part("throughput", 180.0 * share),
        Part("forms", 30.0 * share),
        Part("agreement", 35.0 * share),
        Part("scaling", 20.0 * share),
        Part("equivalence", 20.0 * share),
        Part("training", None),
    ]
