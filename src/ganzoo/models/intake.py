"""The part of a model that takes what a dataloader gives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.models.batches import BatchKeys, check_enough, passed_on, read_data
from ganzoo.models.fit import check_several
from ganzoo.models.player import Player


class BatchReader(ABC):
    """Reads batches into data and labels, and says which are too small.

    Attributes:
        labelled: Whether training needs the classes of the data.
        batch_keys: Names of the entries of batches that are dictionaries.
        known_sizes: Numbers of samples that are enough for an iteration.
    """

    labelled: bool = False
    batch_keys: BatchKeys
    accumulation_steps: int
    generator: nn.Module
    device: torch.device
    known_sizes: set[int]

    @abstractmethod
    def players(self) -> Sequence[Player]:
        """The players in the order of their updates."""

    def check_size(self, count: int) -> None:
        """Refuse batches of this many samples, if they are too few for an iteration.

        Raises:
            InputError: saying what to change.
        """
        steps, parts = max(player.steps for player in self.players()), self.accumulation_steps
        check_enough(count, steps, parts)
        if count // (steps * parts) == 1:
            check_several(self)

    def read_labels(self, labels: Any, count: int, *, look: bool) -> Tensor | None:
        """Labels of ``count`` samples as the networks take them, int64 ``[B]`` or None.

        Args:
            labels: What the batch holds.
            count: Samples in the batch.
            look: Whether to look at values that are on an accelerator.
        """
        return passed_on(labels, count)

    def read_batch(self, batch: Any, *, look: bool = False) -> tuple[Tensor, Tensor | None]:
        """The data ``[B, ...]`` and labels ``[B]`` of a batch, as the networks take them.

        Args:
            batch: What the dataloader gives.
            look: Whether to look at labels that are on an accelerator.

        Raises:
            InputError: saying what cannot be read, and how it could be.
        """
        found = self.batch_keys.fields(batch, labelled=self.labelled)
        weights = next(self.generator.parameters(), torch.empty(0))
        data = read_data(found.data, weights.dtype, self.device)
        return data, self.read_labels(found.labels, len(data), look=look)

    def check_new_size(self, count: int) -> None:
        """Check a number of samples that has not been seen before."""
        if count not in self.known_sizes:
            self.check_size(count)
            self.known_sizes.add(count)
