"""Pictures of samples from the same latents throughout a run."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ganzoo.callbacks.pictures import SamplePictures, real_distribution, title
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.pictures import image_grid, save_png, scatter
from ganzoo.sampling.latents import LatentSampler


@defaults_from("callbacks/samples")
class SampleGrid(SamplePictures):
    """Draws samples from fixed latents every few steps, to disk and to the loggers.

    Images make a grid, of a conditional model one row a class; points make a scatter over the
    density of the data.

    Args:
        rows: Rows of the grid, at least 1.
        columns: Columns of the grid, at least 1.
        pictures: Arguments of :class:`~ganzoo.callbacks.pictures.SamplePictures`.

    Raises:
        InputError: if a number is out of range.
    """

    name = "samples"

    def __init__(
        self, *, rows: int = FROM_CONFIG, columns: int = FROM_CONFIG, **pictures: Any
    ) -> None:
        super().__init__(**pictures)
        check_whole(rows=rows, columns=columns)
        self.rows, self.columns = rows, columns

    def draw(self, path: Path, trainer: Trainer, model: LatentSampler) -> None:
        """Draw a grid or a scatter."""
        if model.sample(1, seed=self.seed).dim() == 4:
            save_png(image_grid(self._images(model), columns=self.columns), path)
            return
        points = model.sample(self.points, seed=self.seed).cpu()
        real = real_distribution(trainer, self.points, self.seed)
        scatter(points, real, path, title=title(trainer))

    def _images(self, model: LatentSampler) -> Tensor:
        classes = getattr(model, "num_classes", None)
        if not classes:
            return model.sample(self.rows * self.columns, seed=self.seed).cpu()
        labels = torch.arange(min(classes, self.rows)).repeat_interleave(self.columns)
        return model.sample(len(labels), labels=labels, seed=self.seed).cpu()
