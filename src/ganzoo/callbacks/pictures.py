"""Pictures throughout a run: when they are drawn, where they go, and who shows them."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.periodic import Periodic, undisturbed
from ganzoo.callbacks.show import log_picture
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.pictures.plane import Ground
from ganzoo.sampling.latents import LatentSampler
from ganzoo.saving import SaveErrors


class Album:
    """A folder of pictures, one for each update that is drawn, which loggers show as well.

    Args:
        name: Of the series of pictures.
        folder: Where the pictures go, as ``<step>.png``.
        on_save_error: What happens when a picture cannot be written.

    Attributes:
        last_picture: The newest, or None.
    """

    def __init__(self, *, name: str, folder: str | Path, on_save_error: SaveErrors) -> None:
        self.name, self.folder = name, Path(folder)
        self.on_save_error = on_save_error
        self.last_picture: Path | None = None

    def add(self, trainer: Trainer, draw: Callable[[Path], object]) -> None:
        """Draw the picture of this update and show it; the first process calls this.

        A dry run (``fast_dev_run``) draws it for nothing.

        Args:
            trainer: Whose update and loggers they are.
            draw: Writes a picture to a path.

        Raises:
            SaveError: if it cannot be written and ``on_save_error`` says to stop.
        """
        path = self.folder / f"{trainer.global_step:08d}.png"
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            with TemporaryDirectory() as place:
                draw(Path(place) / path.name)
            return
        with self.on_save_error.caught(path), _causes():
            draw(path)
            self.last_picture = path
            for logger in trainer.loggers:
                log_picture(logger, self.name, path, trainer.global_step)


@defaults_from()
class Pictures(Periodic):
    """Draws a picture every few generator updates and at the end, to disk and to the loggers.

    The first process draws. A picture changes nothing in training.

    Args:
        folder: Where the pictures go, as ``<step>.png``.
        every_n_steps: Generator updates from one picture to the next, at least 1.
        points: Number of points in a picture of points, at least 1.
        seed: Chooses the latents.
        on_save_error: What happens when a picture cannot be written.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        folder: str | Path,
        every_n_steps: int = FROM_CONFIG,
        points: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        on_save_error: SaveErrors = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(points=points)
        check_whole(0, seed=seed)
        self.points, self.seed = points, seed
        self.album = Album(name=self.name, folder=folder, on_save_error=on_save_error)

    def obstacle(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model draws no samples, where that is so."""
        if isinstance(model, LatentSampler):
            return None
        return f"{type(model).__name__} makes nothing from latents"

    @abstractmethod
    def draw(self, path: Path, trainer: Trainer, model: LatentSampler) -> None:
        """Draw the model as it is now, which is in evaluation mode."""

    def act(self, trainer: Trainer, model: LightningModule) -> None:
        """Draw, in the first process."""
        if trainer.is_global_zero:
            assert isinstance(model, LatentSampler)
            sampler = model
            with undisturbed(model):
                self.album.add(trainer, lambda path: self.draw(path, trainer, sampler))


def title(trainer: Trainer) -> str:
    """What a picture says of when it was drawn."""
    return f"{trainer.global_step:,} generator updates"


def ground(trainer: Trainer, count: int, seed: int) -> Ground:
    """What generated points are drawn over: at most ``count`` real ones, and their density."""
    datamodule: Any = getattr(trainer, "datamodule", None)
    real = datamodule.real(count, seed)[0] if hasattr(datamodule, "real") else None
    return Ground(real, getattr(getattr(datamodule, "source", None), "log_density", None))


def classes_of_rows(model: LatentSampler, rows: int) -> Tensor | None:
    """A class ``[rows]`` for each row, in turn; None for a model without classes."""
    classes = getattr(model, "num_classes", None)
    return torch.arange(rows) % classes if classes else None


@contextmanager
def _causes() -> Iterator[None]:
    """The error of the system where a picture says in its own words that it has met one."""
    try:
        yield
    except InputError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise
