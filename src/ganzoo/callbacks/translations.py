"""Pictures of translations between two domains throughout a run."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.periodic import Periodic, undisturbed
from ganzoo.callbacks.pictures import Album, title
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.pictures import Block, save_png, sheet
from ganzoo.sampling.translation import OTHER, Translator
from ganzoo.saving import SaveErrors


@defaults_from("callbacks/translations")
class Translations(Periodic):
    """Draws translations of the same pictures every few iterations, to disk and to the loggers.

    For each domain that is translated to, rows of sources, of their translations, of these back
    again where the model can, and of the targets where pictures are pairs. Networks are in
    evaluation mode, with averaged weights where there are any.

    Pictures come from the data module's ``real(count, seed)``, or else are the beginning of the
    first batch. Models that do not translate are left alone.

    Args:
        folder: Where the pictures go, as ``<step>.png``.
        every_n_steps: Iterations from one picture to the next, at least 1.
        samples: Number of pictures, at least 1; where there are fewer, all of them.
        seed: Chooses them.
        on_save_error: What happens when a picture cannot be written.

    Raises:
        InputError: if a number is out of range.
    """

    name = "translations"

    def __init__(
        self,
        *,
        folder: str | Path,
        every_n_steps: int = FROM_CONFIG,
        samples: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        on_save_error: SaveErrors = FROM_CONFIG,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        check_whole(samples=samples)
        check_whole(0, seed=seed)
        self.samples, self.seed = samples, seed
        self.album = Album(name=self.name, folder=folder, on_save_error=on_save_error)
        self._pictures: dict[str, Tensor] | None = None
        self._kept: dict[str, Tensor] | None = None

    def obstacle(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model does not translate, where that is so; else the pictures are found."""
        if not isinstance(model, Translator):
            return f"{type(model).__name__} does not translate"
        datamodule: Any = getattr(trainer, "datamodule", None)
        has_real = hasattr(datamodule, "real")
        self._pictures = datamodule.real(self.samples, self.seed)[0] if has_real else self._kept
        return None

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep pictures of the first batch where there is no other way to have any."""
        if self._active and self._pictures is None and trainer.is_global_zero:
            assert isinstance(pl_module, Translator)
            fields = pl_module.read_batch(batch)
            self._kept = {name: part[: self.samples].cpu() for name, part in fields.items()}
            self._pictures = self._kept

    def act(self, trainer: Trainer, model: LightningModule) -> None:
        """Draw, in the first process."""
        if trainer.is_global_zero:
            assert isinstance(model, Translator) and self._pictures is not None
            pictures, paired = self._pictures, _are_pairs(trainer)
            with undisturbed(model):
                blocks = [_block(model, domain, pictures, paired) for domain in model.translators()]
                self.album.add(trainer, lambda path: save_png(sheet(title(trainer), blocks), path))

    def state_dict(self) -> dict[str, Any]:
        """The pictures where they cannot be had again."""
        return {"kept": self._kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the pictures of the run that is resumed."""
        self._kept = state_dict["kept"]


def _block(model: Translator, domain: str, pictures: dict[str, Tensor], paired: bool) -> Block:
    """Rows of sources and what becomes of them, on the way to a domain."""
    source = pictures[OTHER[domain]]
    translated = model.translate(source, to=domain).cpu()
    rows = {OTHER[domain]: source, f"to {domain}": translated}
    if OTHER[domain] in model.translators():
        rows["back"] = model.translate(translated, to=OTHER[domain]).cpu()
    if paired:
        rows["target"] = pictures[domain]
    channels = max(len(row[0]) for row in rows.values())
    images = torch.cat([row.expand(-1, channels, -1, -1) for row in rows.values()])
    return Block(images=images, columns=len(source), rows=tuple(rows))


def _are_pairs(trainer: Trainer) -> bool:
    """Whether pictures of the domains belong together; without a data module that is not known."""
    source = getattr(getattr(trainer, "datamodule", None), "source", None)
    return bool(getattr(source, "paired", False))
