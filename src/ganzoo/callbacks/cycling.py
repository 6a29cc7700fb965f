"""Notice that training runs in circles."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.callbacks.symptoms import GameStatistics, Symptom
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_whole


@dataclass(frozen=True, kw_only=True)
class Oscillation:
    """The strongest oscillation of a path.

    Attributes:
        share: Its part of the path's variance, in [0, 1]; NaN where the path stands still.
        cycles: How often it comes round within the path.
        amplitude: Root mean square distance from the path's trend, in the path's units.
        steadiness: That distance in the path's second half divided by that in its first; NaN
            where the path stands still.
    """

    share: float
    cycles: float
    amplitude: float
    steadiness: float


def strongest_oscillation(path: Tensor, *, least_cycles: int) -> Oscillation:
    """Find the strongest oscillation among those that come round often enough.

    The path's straight trend is taken away; the variance that is left is divided among the
    frequencies of its Fourier transform, all coordinates together (the periodogram). The
    oscillation's share is that of the best two neighbouring frequencies, because one that falls
    between two is divided among them: an even circle has a share of 0.8 or more. Noise spreads
    over all frequencies, a way that goes somewhere has its variance below the second frequency.

    Args:
        path: Positions ``[T, K]`` at even intervals, float64, with T > 2 * (least_cycles + 1).
        least_cycles: The lowest frequency that counts, in cycles within the path, at least 1.
    """
    path = _without_trend(path)
    power = torch.fft.rfft(path, dim=0).abs().square().sum(dim=1)
    power[1 : (len(path) + 1) // 2] *= 2  # the negative frequencies
    power[0] = 0
    pairs = power[:-1] + power[1:]
    best = least_cycles + int(pairs[least_cycles:].argmax())
    first, second = path[: len(path) // 2], path[len(path) // 2 :]
    return Oscillation(
        share=float(pairs[best] / power.sum()),
        cycles=best + float(power[best + 1] / pairs[best]),
        amplitude=float(path.square().sum(dim=1).mean().sqrt()),
        steadiness=float((_mean_square(second) / _mean_square(first)).sqrt()),
    )


def _without_trend(path: Tensor) -> Tensor:
    time = torch.arange(len(path), dtype=path.dtype)
    time = (time - time.mean())[:, None]
    path = path - path.mean(dim=0)
    return path - time * (time * path).sum(dim=0) / time.square().sum()


def _mean_square(path: Tensor) -> Tensor:
    return path.square().sum(dim=1).mean()


@defaults_from("callbacks/monitor")
class Cycling(Symptom):
    """The samples come back again and again to where they were, without settling.

    Mescheder, Geiger and Nowozin (2018), "Which Training Methods for GANs do actually Converge?",
    arXiv 1801.04406, section 2: without a penalty the simplest game circles around its solution
    and never comes nearer; with one (R1, instance noise) it spirals in. Seen where one
    oscillation is most of the movement of the samples, it has come round several times, it is
    not small, and it does not shrink. As its length is not known beforehand, this is asked of
    windows of the same number of points at several scales: single measurements, means of two
    neighbouring ones, of four, and so on.

    The criterion is a test for hidden periods (Fisher, 1929, "Tests of Significance in Harmonic
    Analysis") that wants one frequency to explain not more than chance but most of the movement.
    Neither a straight way, nor noise around a point, nor a random walk, nor a spiral that closes
    does that. An oscillation faster than the measurements is seen too, with a wrong length.

    Args:
        window: Points in which the oscillation is looked for, more than ``2 * (cycles + 1)``.
        scales: Lengths of the means, in measurements, each at least 1.
        cycles: How often at least it must have come round in the window, at least 1.
        share: Part of the samples' movement that it must explain, in (0, 1).
        steadiness: Its size in the second half of the window divided by that in the first must
            be at least this, 0 or more.
        amplitude: Its size must be at least this share of the mean distance of two real samples,
            and of the farthest that the samples have been from where they began; 0 or more.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        window: int = FROM_CONFIG,
        scales: Sequence[int] = FROM_CONFIG,
        cycles: int = FROM_CONFIG,
        share: float = FROM_CONFIG,
        steadiness: float = FROM_CONFIG,
        amplitude: float = FROM_CONFIG,
    ) -> None:
        check_whole(window=window, cycles=cycles, longest_scale=max(scales, default=0))
        check_whole(**{f"scales[{index}]": scale for index, scale in enumerate(scales)})
        check_not_negative(steadiness=steadiness, amplitude=amplitude)
        if not 0 < share < 1:
            raise InputError(f"share must be between 0 and 1, not {share}")
        if window <= 2 * (cycles + 1):
            raise InputError(f"window must be more than 2 * (cycles + 1), not {window}")
        self.window, self.scales, self.cycles = window, list(scales), cycles
        self.share, self.steadiness, self.amplitude = share, steadiness, amplitude
        self._path: deque[list[float]] = deque(maxlen=window * max(scales))
        self._start: list[float] = []
        self._farthest = 0.0
        self._step = 0

    def notice(self, statistics: GameStatistics) -> str | None:
        """Look for an oscillation at every scale that there are enough measurements for."""
        interval, self._step = statistics.step - self._step, statistics.step
        position = list(statistics.position)
        self._start = self._start or position
        self._farthest = max(self._farthest, math.dist(position, self._start))
        self._path.append(position)
        size = self.amplitude * max(self._farthest, statistics.spread)
        if len(self._path) < self.window:
            return None
        path = torch.tensor(list(self._path), dtype=torch.float64)
        for scale in self.scales:
            if len(path) >= self.window * scale:
                found = strongest_oscillation(self._window(path, scale), least_cycles=self.cycles)
                if self._is_cycling(found, size):
                    return self._words(found, scale * interval)
        return None

    def _window(self, path: Tensor, scale: int) -> Tensor:
        return path[-self.window * scale :].reshape(self.window, scale, -1).mean(dim=1)

    def _is_cycling(self, found: Oscillation, size: float) -> bool:
        return (
            found.share >= self.share
            and found.steadiness >= self.steadiness
            and found.amplitude > size
        )

    def _words(self, found: Oscillation, interval: int) -> str:
        updates = self.window * interval
        return (
            f"training runs in circles: the samples come back about every "
            f"{updates / found.cycles:.0f} updates without settling ({100 * found.share:.0f}% of "
            f"their movement over the last {updates} updates is this oscillation). Try penalty=r1, "
            "a higher penalty.r1.weight, or lower learning rates"
        )

    def state_dict(self) -> dict[str, Any]:
        """The path so far."""
        return {
            "path": list(self._path),
            "start": self._start,
            "farthest": self._farthest,
            "step": self._step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from it."""
        self._path.clear()
        self._path.extend(state["path"])
        self._start, self._farthest = state["start"], state["farthest"]
        self._step = state["step"]
