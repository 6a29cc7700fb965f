"""Pictures of translations between two domains throughout a run."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.fixed_samples import FixedSamples
from ganzoo.callbacks.pictures import Pictures, title
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.pictures import LabelledGrid, save_png, sheet
from ganzoo.sampling.translation import OTHER, Translator


@defaults_from("callbacks/translations")
class Translations(Pictures):
    """Draws translations of the same pictures every few iterations, to disk and to the loggers.

    For each domain that is translated to, rows of sources, of their translations, of these back
    again where the model can, and of the targets where pictures are pairs. Networks are in
    evaluation mode, with averaged weights where there are any.

    Pictures come from the data module's ``real(count, seed)``, or else are the beginning of the
    first batch. Models that do not translate are left alone.

    Args:
        samples: Number of source pictures, at least 1; where there are fewer, all of them.
        pictures: Arguments of :class:`~ganzoo.callbacks.pictures.Pictures`.

    Raises:
        InputError: if a number is out of range.
    """

    name = "translations"

    def __init__(self, *, samples: int = FROM_CONFIG, **pictures: Any) -> None:
        super().__init__(**pictures)
        check_whole(samples=samples)
        self.data = FixedSamples(samples, self.seed, field=None)

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That the model does not translate, where that is so; else the pictures are found."""
        if not isinstance(model, Translator):
            return f"{type(model).__name__} does not translate"
        self.data.find(trainer)
        return None

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Keep pictures of the first batch where there is no other way to have any."""
        if self._active and trainer.is_global_zero:
            self.data.keep(pl_module, batch)

    def draw(self, path: Path, trainer: Trainer, model: Translator) -> None:
        """Draw a grid for each domain that is translated to."""
        domains, paired = model.translators(), _are_pairs(trainer)
        grids = [_grid(model, domain, self.data.samples, paired) for domain in domains]
        save_png(sheet(title(trainer), grids), path)

    def state_dict(self) -> dict[str, Any]:
        """The pictures where they cannot be had again."""
        return self.data.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the pictures of the run that is resumed."""
        self.data.load_state_dict(state_dict)


def _grid(
    model: Translator, domain: str, pictures: dict[str, Tensor], paired: bool
) -> LabelledGrid:
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
    return LabelledGrid(images=images, columns=len(source), row_labels=tuple(rows))


def _are_pairs(trainer: Trainer) -> bool:
    """Whether pictures of the domains belong together; without a data module that is not known."""
    source = getattr(getattr(trainer, "datamodule", None), "source", None)
    return bool(getattr(source, "paired", False))
