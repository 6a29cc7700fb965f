"""Data beside what a model makes of their codes."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.fixed_samples import FixedSamples
from ganzoo.callbacks.measurements import PeriodicMeasurement
from ganzoo.callbacks.pictures import PictureFolder, real_distribution, title
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.pictures import LabelledGrid, draw_pairs, save_png, sheet
from ganzoo.sampling.reconstruction import Reconstructs
from ganzoo.saving import SaveErrorPolicy

ERROR = "reconstructions/mean_squared_error"
ROWS = ("data", "reconstruction")


@defaults_from("callbacks/reconstructions")
class Reconstructions(PeriodicMeasurement):
    """Draws and measures what a model makes of the codes of the same real samples.

    Every few generator updates and at the end, the model reconstructs them in evaluation mode,
    with averaged weights where there are any. Images are drawn as rows of data over rows of their
    reconstructions, points with a line between the two. The mean of the squared error over samples
    and their numbers is logged as ``reconstructions/mean_squared_error``, in the data's units
    squared (images are in [-1, 1]).

    Samples come from the data module's ``real(count, seed)``, or else are the beginning of the
    first batch. Models that do not reconstruct are left alone.

    Args:
        folder: Where the pictures go, as ``<step>.png``.
        every_n_steps: Generator updates from one picture to the next, at least 1.
        samples: Number of samples, at least 1; where there are fewer, all of them.
        columns: Images beside one another, at least 1.
        seed: Chooses the samples.
        on_save_error: What happens when a picture cannot be written.

    Raises:
        InputError: if a number is out of range.
    """

    name = "reconstructions"
    direction = "minimize"

    def __init__(
        self,
        *,
        folder: str | Path,
        every_n_steps: int = FROM_CONFIG,
        samples: int = FROM_CONFIG,
        columns: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        on_save_error: SaveErrorPolicy = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(samples=samples, columns=columns)
        check_whole(0, seed=seed)
        self.columns, self.seed = columns, seed
        self.data = FixedSamples(samples, seed, field="real")
        self.picture_folder = PictureFolder(
            name=self.name, folder=folder, on_save_error=on_save_error
        )

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model does not reconstruct, where that is so; else the samples are found."""
        if not isinstance(model, Reconstructs):
            return f"{type(model).__name__} does not reconstruct"
        self.data.find(trainer)
        return None

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep samples of the first batch where there is no other way to have any."""
        if self._active and trainer.is_global_zero:
            self.data.keep(pl_module, batch)

    def measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """The error of what is drawn."""
        assert isinstance(model, Reconstructs)
        reconstructed = model.reconstruct(self.data.samples).cpu()
        error = (self.data.samples - reconstructed).square().mean().item()
        self.picture_folder.add(
            trainer, lambda path: self._draw(path, trainer, reconstructed, error)
        )
        return {ERROR: error}

    def describe(self, name: str) -> str:
        """Of how many samples."""
        return f"of the reconstructions of {len(self.data.samples):,} real samples"

    def state_dict(self) -> dict[str, Any]:
        """The measurements so far, and the samples where they cannot be had again."""
        return super().state_dict() | self.data.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the measurements of the run that is resumed, with its samples."""
        super().load_state_dict(state_dict)
        self.data.load_state_dict(state_dict)

    def _draw(self, path: Path, trainer: Trainer, reconstructed: Tensor, error: float) -> None:
        data, words = self.data.samples, f"{title(trainer)}, mean squared error {error:.4f}"
        if data.dim() == 4:
            save_png(sheet(words, pairs_of_rows(data, reconstructed, self.columns)), path)
        else:
            real = real_distribution(trainer, len(data), self.seed)
            draw_pairs(data, reconstructed, real, path, words)


def pairs_of_rows(data: Tensor, reconstructed: Tensor, columns: int) -> list[LabelledGrid]:
    """A row of data over a row of reconstructions, as often as ``[N, C, H, W]`` of them need."""
    rows = zip(torch.split(data, columns), torch.split(reconstructed, columns), strict=True)
    return [
        LabelledGrid(images=torch.cat([above, below]), columns=len(above), row_labels=ROWS)
        for above, below in rows
    ]
