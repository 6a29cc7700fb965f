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
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.loggers.pictures import log_picture
from ganzoo.pictures.plane import RealDistribution
from ganzoo.sampling.latents import LatentSampler
from ganzoo.saving import SaveErrorPolicy


class PictureFolder:
    """A folder of pictures, one for each update that is drawn, which loggers show as well.

    Args:
        name: Of the series of pictures.
        folder: Where the pictures go, as ``<step>.png``.
        on_save_error: What happens when a picture cannot be written.

    Attributes:
        last_picture: The newest, or None.
    """

    def __init__(self, *, name: str, folder: str | Path, on_save_error: SaveErrorPolicy) -> None:
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
        with self.on_save_error.caught(path), _system_errors():
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
        seed: Chooses what is drawn.
        on_save_error: What happens when a picture cannot be written.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        folder: str | Path,
        every_n_steps: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        on_save_error: SaveErrorPolicy = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(0, seed=seed)
        self.seed = seed
        self.picture_folder = PictureFolder(
            name=self.name, folder=folder, on_save_error=on_save_error
        )

    @abstractmethod
    def draw(self, path: Path, trainer: Trainer, model: Any) -> None:
        """Draw the model as it is now, which is in evaluation mode."""

    def act(self, trainer: Trainer, model: LightningModule) -> None:
        """Draw, in the first process."""
        if trainer.is_global_zero:
            with undisturbed(model):
                self.picture_folder.add(trainer, lambda path: self.draw(path, trainer, model))


@defaults_from()
class SamplePictures(Pictures):
    """Draws what a model makes of latents, every few generator updates and at the end.

    Args:
        points: Number of points in a picture of points, at least 1.
        pictures: Arguments of :class:`Pictures`; ``seed`` chooses the latents.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(self, *, points: int = FROM_CONFIG, **pictures: Any) -> None:
        super().__init__(**pictures)
        check_whole(points=points)
        self.points = points

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model draws no samples, where that is so."""
        if isinstance(model, LatentSampler):
            return None
        return f"{type(model).__name__} makes nothing from latents"


def title(trainer: Trainer) -> str:
    """What a picture says of when it was drawn."""
    return f"{trainer.global_step:,} generator updates"


def real_distribution(trainer: Trainer, count: int, seed: int) -> RealDistribution:
    """What generated points are drawn over: at most ``count`` real ones, and their density."""
    datamodule: Any = getattr(trainer, "datamodule", None)
    points = datamodule.real(count, seed)[0] if hasattr(datamodule, "real") else None
    log_density = getattr(getattr(datamodule, "source", None), "log_density", None)
    return RealDistribution(points, log_density)


def classes_of_rows(model: LatentSampler, rows: int) -> Tensor | None:
    """A class ``[rows]`` for each row, in turn; None for a model without classes."""
    classes = getattr(model, "num_classes", None)
    return torch.arange(rows) % classes if classes else None


def class_names(classes: Tensor | None) -> list[str]:
    """What is written beside rows of these classes ``[rows]``; nothing of None."""
    return [] if classes is None else [f"class {value}" for value in classes.tolist()]


@contextmanager
def _system_errors() -> Iterator[None]:
    """The error of the system where a picture says in its own words that it has met one."""
    try:
        yield
    except InputError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise
