"""Pictures of samples from the same latents throughout a run."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from ganzoo.callbacks.show import log_picture
from ganzoo.errors import check_positive
from ganzoo.models.sampling import Sampler
from ganzoo.pictures import image_grid, save_png, scatter
from ganzoo.saving import SaveErrors


class SampleGrid(Callback):
    """Draws samples from fixed latents every few steps, to disk and to the loggers.

    Images make a grid, of a conditional model one row a class; points make a scatter over the
    density of the data.

    Args:
        folder: Where the pictures go, as ``<step>.png``.
        every_n_steps: Generator updates from one picture to the next, positive.
        rows: Rows of the grid, positive.
        columns: Columns of the grid, positive.
        points: Number of points in a scatter, positive.
        seed: Chooses the latents.
        on_save_error: What happens when a picture cannot be written.
    """

    def __init__(
        self,
        *,
        folder: str | Path,
        every_n_steps: int,
        rows: int,
        columns: int,
        points: int,
        seed: int,
        on_save_error: SaveErrors,
    ) -> None:
        check_positive(every_n_steps=every_n_steps, rows=rows, columns=columns, points=points)
        self.folder = Path(folder)
        self.every_n_steps = every_n_steps
        self.rows, self.columns, self.points = rows, columns, points
        self.seed = seed
        self.on_save_error = on_save_error
        self.last_picture: Path | None = None
        self._last_step = -1

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draw when it is time."""
        if trainer.global_step % self.every_n_steps == 0:
            self._draw(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the end of the run, unless that has just been done."""
        if self._last_step != trainer.global_step:
            self._draw(trainer, pl_module)

    @rank_zero_only
    def _draw(self, trainer: Trainer, model: LightningModule) -> None:
        assert isinstance(model, Sampler)
        step = self._last_step = trainer.global_step
        path = self.folder / f"{step:08d}.png"
        with self.on_save_error.caught(path):
            self._draw_to(path, trainer, model)
            self.last_picture = path
            for logger in trainer.loggers:
                log_picture(logger, "samples", path, step)

    def _draw_to(self, path: Path, trainer: Trainer, model: Sampler) -> None:
        if model.sample(1, seed=self.seed).dim() == 4:
            save_png(image_grid(self._images(model), columns=self.columns), path)
        else:
            self._scatter(trainer, model, path)

    def _images(self, model: Sampler) -> Tensor:
        classes = getattr(model, "num_classes", None)
        if not classes:
            return model.sample(self.rows * self.columns, seed=self.seed).cpu()
        labels = torch.arange(min(classes, self.rows)).repeat_interleave(self.columns)
        return model.sample(len(labels), labels=labels, seed=self.seed).cpu()

    def _scatter(self, trainer: Trainer, model: Sampler, path: Path) -> None:
        datamodule: Any = getattr(trainer, "datamodule", None)
        real = datamodule.real(self.points, self.seed)[0] if hasattr(datamodule, "real") else None
        source = getattr(datamodule, "source", None)
        scatter(
            model.sample(self.points, seed=self.seed).cpu(),
            real,
            getattr(source, "log_density", None),
            path,
            title=f"{trainer.global_step} generator updates",
        )
