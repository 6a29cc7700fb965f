"""Data beside what a model makes of their codes."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.measurements import Measurements
from ganzoo.callbacks.pictures import Album, ground, title
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.game.module import AdversarialModule
from ganzoo.pictures import Block, draw_pairs, save_png, sheet
from ganzoo.sampling.reconstruction import Reconstructs
from ganzoo.saving import SaveErrors

ERROR = "reconstructions/mean_squared_error"
ROWS = ("data", "reconstruction")


@defaults_from("callbacks/reconstructions")
class Reconstructions(Measurements):
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
        on_save_error: SaveErrors = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(samples=samples, columns=columns)
        check_whole(0, seed=seed)
        self.samples, self.columns, self.seed = samples, columns, seed
        self.album = Album(name=self.name, folder=folder, on_save_error=on_save_error)
        self._data: Tensor | None = None
        self._kept: Tensor | None = None

    def obstacle(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model does not reconstruct, where that is so; else the samples are found."""
        if not isinstance(model, Reconstructs):
            return f"{type(model).__name__} does not reconstruct"
        datamodule: Any = getattr(trainer, "datamodule", None)
        has_real = hasattr(datamodule, "real")
        self._data = datamodule.real(self.samples, self.seed)[0] if has_real else self._kept
        return None

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep samples of the first batch where there is no other way to have any."""
        if self._active and self._data is None and trainer.is_global_zero:
            assert isinstance(pl_module, AdversarialModule)
            self._data = self._kept = pl_module.read_batch(batch)["real"][: self.samples].cpu()

    def measure(self, trainer: Trainer, model: LightningModule) -> dict[str, float]:
        """The error of what is drawn."""
        assert self._data is not None and isinstance(model, Reconstructs)
        made = model.reconstruct(self._data).cpu()
        error = (self._data - made).square().mean().item()
        self.album.add(trainer, lambda path: self._draw(path, trainer, made, error))
        return {ERROR: error}

    def meaning(self, name: str) -> str:
        """Of how many samples."""
        count = 0 if self._data is None else len(self._data)
        return f"of the reconstructions of {count:,} real samples"

    def state_dict(self) -> dict[str, Any]:
        """The measurements so far, and the samples where they cannot be had again."""
        return super().state_dict() | {"kept": self._kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the measurements of the run that is resumed, with its samples."""
        super().load_state_dict(state_dict)
        self._kept = state_dict["kept"]

    def _draw(self, path: Path, trainer: Trainer, made: Tensor, error: float) -> None:
        assert self._data is not None
        words = f"{title(trainer)}, mean squared error {error:.4f}"
        if made.dim() == 4:
            save_png(sheet(words, pairs_of_rows(self._data, made, self.columns)), path)
        else:
            over = ground(trainer, len(made), self.seed)
            draw_pairs(self._data, made, over, path, words)


def pairs_of_rows(data: Tensor, made: Tensor, columns: int) -> list[Block]:
    """A row of data over a row of reconstructions, as often as ``[N, C, H, W]`` of them need."""
    rows = zip(torch.split(data, columns), torch.split(made, columns), strict=True)
    return [
        Block(images=torch.cat([above, below]), columns=len(above), rows=ROWS)
        for above, below in rows
    ]
