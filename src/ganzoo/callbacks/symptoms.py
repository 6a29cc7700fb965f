"""Failures that show in the statistics of a game: numbers in, a line of words out."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive, check_whole


@dataclass(frozen=True, kw_only=True)
class GameStatistics:
    """Statistics of a game on a fixed batch of real data and on samples of fixed latents.

    Attributes:
        step: Generator updates so far.
        real_logits: The discriminator's mean output on real data.
        fake_logits: The same on samples.
        accuracy: See :func:`accuracy`, in [0, 1].
        ranking: See :func:`ranking`, in [0, 1].
        diversity: Mean distance of two samples divided by that of two real ones; NaN where the
            real ones are all the same.
        spread: Mean distance of two real samples, in the data's units.
        gradient_norm: Norm of the generator's last gradient; NaN where it is not known.
        position: Where the samples are, as coordinates whose distances are those of the samples.
        estimates: What the outputs say about the distance of the distributions, by name; see
            :func:`ganzoo.callbacks.estimates.estimates_of_game`.
    """

    step: int
    real_logits: float
    fake_logits: float
    accuracy: float
    ranking: float
    diversity: float
    spread: float
    gradient_norm: float
    position: Sequence[float]
    estimates: Mapping[str, float] = field(default_factory=dict)


def ranking(real: Tensor, fake: Tensor) -> Tensor:
    """The share of pairs of a real sample and a fake whose real one has the higher output.

    A tie counts half. It is the area under the ROC curve (Hanley and McNeil, 1982): 1 where some
    threshold separates the two, 1/2 where the discriminator cannot tell. It does not change with
    the zero point or the scale of the outputs, so it means the same for logits and for critics.

    Args:
        real: Outputs ``[B]`` on real data.
        fake: Outputs ``[B']`` on samples.
    """
    difference = real[:, None] - fake
    return (difference > 0).float().mean() + (difference == 0).float().mean() / 2


def accuracy(real: Tensor, fake: Tensor) -> Tensor:
    """The share of outputs on the right side of zero, real ones above; each kind counts half.

    Zero is where a logit says "as likely real as not"; a critic's score has no such point.

    Args:
        real: Outputs ``[B]`` on real data.
        fake: Outputs ``[B']`` on samples.
    """
    return ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2


def mean_distance(samples: Tensor) -> Tensor:
    """The mean Euclidean distance of two different ones of samples ``[B, ...]``; B = 1 is NaN."""
    return torch.pdist(samples.flatten(1)).mean()


class Symptom(ABC):
    """Something that can go wrong with a game and shows in its statistics, one after another."""

    @abstractmethod
    def notice(self, statistics: GameStatistics) -> str | None:
        """Take in the next statistics; what was seen and what to try, where it is there."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What it needs to remember, in plain numbers and lists."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what another one remembered."""


@defaults_from("callbacks/monitor")
class Collapse(Symptom):
    """The samples have become nearly the same, whatever the latents.

    Salimans et al. (2016), "Improved Techniques for Training GANs", arXiv 1606.03498, section
    3.2: a generator that collapses "always emits the same point". Seen where the median of the
    last few diversities is below a level: a collapsed generator often jumps from mode to mode,
    and its samples lie apart while it does. An untrained generator's samples hardly differ
    either, and training first moves them together. So nothing is judged before the warm-up is
    over, nor while the diversity grows: a slow generator has not collapsed.

    A generator that keeps two modes of eight, or more, is not seen: that is for metrics which
    count modes.

    Args:
        diversity: The level, as a share of the data's, positive.
        warm_up: Generator updates before which nothing is judged, 0 or more.
        measurements: Number of diversities in the median, at least 2.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        diversity: float = FROM_CONFIG,
        warm_up: int = FROM_CONFIG,
        measurements: int = FROM_CONFIG,
    ) -> None:
        check_positive(diversity=diversity)
        check_not_negative(warm_up=warm_up)
        check_whole(measurements=measurements)
        if measurements < 2:
            raise InputError("measurements must be at least 2, to tell whether diversity grows")
        self.diversity = diversity
        self.warm_up = warm_up
        self.measurements = measurements
        self._recent: list[float] = []

    def notice(self, statistics: GameStatistics) -> str | None:
        """Judge the last few diversities."""
        if statistics.step < self.warm_up or not math.isfinite(statistics.diversity):
            return None
        self._recent = [*self._recent, statistics.diversity][-self.measurements :]
        if len(self._recent) < self.measurements:
            return None
        half, typical = self.measurements // 2, median(self._recent)
        grows = median(self._recent[half:]) > median(self._recent[:half])
        if typical >= self.diversity or grows:
            return None
        return (
            f"the samples have collapsed: two of them are typically {100 * typical:.2g}% as far "
            f"apart as two real ones, over the last {self.measurements} measurements. Try "
            "penalty=r1, model=wgan_gp, or a lower optimizer.lr"
        )

    def state_dict(self) -> dict[str, Any]:
        """The last few diversities."""
        return {"recent": self._recent}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from them."""
        self._recent = list(state["recent"])


@defaults_from("callbacks/monitor")
class DiscriminatorWon(Symptom):
    """The discriminator tells real from fake without fail, and the generator learns nothing more.

    Arjovsky and Bottou (2017), "Towards Principled Methods for Training Generative Adversarial
    Networks", arXiv 1701.04862, theorem 2.4 and figure 2: the better the discriminator, the
    smaller the gradient of log(1 - D) by the generator, down to nothing. Seen where, in several
    measurements in a row, the ranking is (almost) perfect, the norm of the generator's gradient
    is a small part of its largest so far, and the mean outputs on real and fake are farther apart
    than they were then. All are needed: a critic may rank perfectly as long as it gives a
    gradient, and a gradient may vanish because the game is at its end.

    Args:
        ranking: The ranking from which on it is perfect, in (0.5, 1].
        gradient: The share of the largest gradient norm below which it has vanished, positive.
        patience: Measurements in a row, at least 1.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        ranking: float = FROM_CONFIG,
        gradient: float = FROM_CONFIG,
        patience: int = FROM_CONFIG,
    ) -> None:
        if not 0.5 < ranking <= 1:
            raise InputError(f"ranking must be above 0.5 and at most 1, not {ranking}")
        check_positive(gradient=gradient)
        check_whole(patience=patience)
        self.ranking = ranking
        self.gradient = gradient
        self.patience = patience
        self._largest = 0.0
        self._gap_then = 0.0
        self._in_a_row = 0

    def notice(self, statistics: GameStatistics) -> str | None:
        """Judge the ranking and the gradient."""
        norm, gap = statistics.gradient_norm, statistics.real_logits - statistics.fake_logits
        if math.isfinite(norm) and norm > self._largest:
            self._largest, self._gap_then = norm, gap
        vanished = norm < self.gradient * self._largest and gap > self._gap_then
        perfect = statistics.ranking >= self.ranking
        self._in_a_row = self._in_a_row + 1 if perfect and vanished else 0
        if self._in_a_row < self.patience:
            return None
        return (
            f"the discriminator has won: it ranks {100 * statistics.ranking:.3g}% of the pairs of "
            f"real and fake rightly, and the generator's gradient has vanished (norm {norm:.2g}, "
            f"once {self._largest:.2g}). Try loss=non_saturating, penalty=r1, model=wgan_gp, or "
            "a lower optimizer.discriminator.lr"
        )

    def state_dict(self) -> dict[str, Any]:
        """The largest norm, how far the outputs were apart then, and the length of the row."""
        return {
            "largest": self._largest,
            "gap_then": self._gap_then,
            "in_a_row": self._in_a_row,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from them."""
        self._largest, self._gap_then = state["largest"], state["gap_then"]
        self._in_a_row = state["in_a_row"]
