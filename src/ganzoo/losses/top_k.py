"""Generator updates on the best samples of a batch alone."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.logits import mean_logits
from ganzoo.losses.base import AdversarialLoss, LossTerms
from ganzoo.losses.own import as_loss
from ganzoo.precision import at_least_float32


@defaults_from("loss/top_k")
class TopK(AdversarialLoss):
    """Score the generator by the k highest logits of its batch; the discriminator as usual.

    Sinha et al. (2020, arXiv:2002.06224): the samples that the discriminator finds least realistic
    have no gradient, because theirs may lead away from the data. While the discriminator is young
    its opinion means little, so k starts at the batch size B and shrinks by a factor gamma in
    each epoch down to a smallest number nu. Here, after n generator updates,
    ``k = floor(B max(gamma^floor(n / interval), minimum_share))``, at least 1, rounded down as in
    the authors' code.

    Terms are means over the k samples, as in the paper. An objective that compares with real
    logits gets as many of them, the rows of the chosen samples, where both batches have one size,
    and all of them otherwise: which rows are chosen does not depend on the real data.

    Departures: the schedule counts updates, since an endless data set has no epochs. k is that of
    the samples of one device that pass through the discriminator together. n is kept in the state
    dict.

    Args:
        loss: the objective.
        gamma: factor of k, in (0, 1]; 1 keeps the whole batch.
        interval: generator updates from one shrinking to the next, at least 1.
        minimum_share: ``nu / B``, the smallest share of the batch, in (0, 1].

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        loss: AdversarialLoss = FROM_CONFIG,
        gamma: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        minimum_share: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(interval=interval)
        for name, value in (("gamma", gamma), ("minimum_share", minimum_share)):
            if not 0 < value <= 1:
                raise InputError(f"{name} must be above 0 and at most 1, not {value}")
        self.loss = as_loss(loss)
        self.expects_logits = self.loss.expects_logits
        self.gamma = gamma
        self.interval = interval
        self.minimum_share = minimum_share
        self.updates = 0

    def count(self, batch_size: int) -> int:
        """Tell k for a batch of this size, after the updates so far."""
        share = max(self.gamma ** (self.updates // self.interval), self.minimum_share)
        return max(1, math.floor(batch_size * share + 1e-9))  # 100 * 0.29 is a little below 29

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """The objective's terms."""
        return self.loss.discriminator(real, fake)

    def generator(self, fake: Tensor) -> LossTerms:
        """The objective's term of the k highest logits."""
        return self.loss.generator(fake[self._best(fake)])

    def generator_against(self, fake: Tensor, real: Callable[[], Tensor]) -> LossTerms:
        """The objective's term of the k highest logits, against real ones."""
        best = self._best(fake)

        def opposite() -> Tensor:
            logits = real()
            return logits[best] if len(logits) == len(fake) else logits

        return self.loss.generator_against(fake[best], opposite)

    def _best(self, fake: Tensor) -> Tensor:
        """The rows ``[k]`` of the highest logits ``[B, ...]``, by their means."""
        scores = mean_logits(at_least_float32(fake.detach()))
        return scores.topk(self.count(len(fake))).indices

    def after_step(self, player: Any) -> None:
        """Count the generator's steps."""
        if player.role == "generator":
            self.updates += 1

    def get_extra_state(self) -> Tensor:
        """The number of updates, for the state dict; a buffer would have to be read back."""
        return torch.tensor(self.updates)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on from the number of updates of a state dict."""
        self.updates = int(state)
