"""Models that are trained on data with or without labels."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.game.minibatch import Fields
from ganzoo.game.module import AdversarialModule
from ganzoo.sampling.batches import BatchKeys, read_data

NO_WEIGHT = torch.empty(0)


@defaults_from("model/gan", of="GAN")
class DataReader(AdversarialModule):
    """The part of a model that reads batches of data and perhaps their labels.

    Args:
        batch_keys: Names of ``data`` and ``labels`` in batches that are dictionaries, or None.
        game: Arguments of :class:`~ganzoo.game.module.AdversarialModule`.

    Attributes:
        labelled: Whether training needs the classes of the data.
    """

    labelled = False

    def __init__(
        self, *, batch_keys: Mapping[str, str | None] | None = FROM_CONFIG, **game: Any
    ) -> None:
        super().__init__(**game)
        self.batch_keys = BatchKeys(batch_keys)

    def read_batch(self, batch: Any) -> Fields:
        """``real`` data ``[B, ...]`` and ``labels`` ``[B]``, None where there are none.

        Raises:
            InputError: saying what cannot be read, and how it could be.
        """
        if type(batch) not in (list, tuple) or len(batch) != 2:
            batch = self.batch_keys.fields(batch, labelled=self.labelled)
        real, labels = batch
        kind, device = next(self.parameters(), NO_WEIGHT).dtype, self.device
        if type(real) is not Tensor or real.dtype != kind or real.device != device:
            real = read_data(real, kind, device)
        return {"real": real, "labels": self.read_labels(labels, len(real))}

    def read_labels(self, labels: Any, count: int) -> Tensor | None:
        """Labels of ``count`` samples as the networks take them, int64 ``[B]`` or None.

        Without classes they are only passed on, where they can be.
        """
        fits = isinstance(labels, Tensor) and labels.shape[:1] == (count,)
        return labels if fits else None
