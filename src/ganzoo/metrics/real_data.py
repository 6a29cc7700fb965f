"""Where real samples come from."""

from typing import Any, Protocol

Drawn = tuple[Any, Any]
"""Samples ``[N, ...]``, or a dictionary of them, and their classes ``[N]`` or None."""


class RealData(Protocol):
    """A data module of the library, stored samples, or anything else with these methods."""

    def real(self, count: int, seed: int) -> Drawn:
        """Return up to ``count`` samples that the generator learns from, and their classes."""

    def held_out(self, count: int, seed: int) -> Drawn | None:
        """Return samples that it does not learn from; None where there are none."""


def held_out(data: RealData, count: int, seed: int) -> Drawn | None:
    """Held-out samples; None where there are none, or where data have no such method."""
    return data.held_out(count, seed) if hasattr(data, "held_out") else None
