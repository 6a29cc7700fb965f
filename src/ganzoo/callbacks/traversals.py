"""Samples whose codes change one at a time."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.nn.functional import one_hot

from ganzoo.callbacks.pictures import (
    SamplePictures,
    class_names,
    classes_of_rows,
    real_distribution,
    title,
)
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.networks.code_prior import CodePrior
from ganzoo.pictures import (
    CategoricalColoring,
    ContinuousColoring,
    LabelledGrid,
    draw_colored,
    save_png,
    sheet,
)
from ganzoo.pictures.colored import Coloring
from ganzoo.sampling.latents import LatentSampler


@defaults_from("callbacks/traversals")
class Traversals(SamplePictures):
    """Draws what each code of a model does to its samples, as in InfoGAN's figure 2.

    Chen et al. 2016 (arXiv 1606.03657), section 7.2. Images make a block for the first
    categorical code, a column for each of its values, and one for each continuous code, from -1
    to 1; all else of a row's latent stays. Points are samples of the prior, coloured by these
    codes, in a panel for each. Samples are those of averaged weights; a conditional model makes
    each row of a class. Models whose latents have no codes are left alone.

    Args:
        rows: Latents that are kept but for one code, at least 1.
        steps: Values of a continuous code, both ends included, at least 2.
        pictures: Arguments of :class:`~ganzoo.callbacks.pictures.SamplePictures`.

    Raises:
        InputError: if a number is out of range.
    """

    name = "traversals"

    def __init__(
        self, *, rows: int = FROM_CONFIG, steps: int = FROM_CONFIG, **pictures: Any
    ) -> None:
        super().__init__(**pictures)
        check_whole(rows=rows)
        check_whole(2, steps=steps)
        self.rows, self.steps = rows, steps

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That there are no codes among the latents, where there are none."""
        if isinstance(getattr(model, "latent_prior", None), CodePrior):
            return None
        return f"the latents of {type(model).__name__} have no codes: network.latent=codes"

    def draw(self, path: Path, trainer: Trainer, model: LatentSampler) -> None:
        """Draw blocks of images, or points in the colours of their codes."""
        prior = model.latent_prior
        assert isinstance(prior, CodePrior)
        latents, labels = model.draw(self.points, labels=None, seed=self.seed, truncation=None)
        if _decode(model, latents[:1], None if labels is None else labels[:1]).dim() == 4:
            save_png(sheet(title(trainer), self._grids(model, prior)), path)
            return
        points = _decode(model, latents, labels)
        real = real_distribution(trainer, self.points, self.seed)
        draw_colored(points, code_colorings(prior, latents), real, path, title(trainer))

    def _grids(self, model: LatentSampler, prior: CodePrior) -> list[LabelledGrid]:
        kept, _ = model.draw(self.rows, labels=None, seed=self.seed, truncation=None)
        classes = classes_of_rows(model, self.rows)
        grids = []
        for name, values, changed in traverse_codes(prior, kept, self.steps):
            labels = None if classes is None else classes.repeat_interleave(len(values))
            images = _decode(model, changed.flatten(0, 1), labels)
            grids.append(
                LabelledGrid(
                    images=images,
                    columns=len(values),
                    title=name,
                    column_labels=values,
                    row_labels=class_names(classes),
                )
            )
        return grids


def traverse_codes(
    prior: CodePrior, latents: Tensor, steps: int
) -> list[tuple[str, list[str], Tensor]]:
    """What becomes of latents when one code takes its values in turn.

    Args:
        prior: Where latents come from.
        latents: ``[R, Z]``.
        steps: Values S of a continuous code, from -1 to 1.

    Returns:
        For the first categorical code, if there is one, and for each continuous code: its name,
        its values as words, and latents ``[R, S, Z]``, with S the number of its values.
    """
    found = []
    if prior.categories:
        count = prior.categories[0]
        names = [str(value) for value in range(count)]
        changed = _changed(latents, 0, one_hot(torch.arange(count), count))
        found.append(("categorical code", names, changed))
    for index in range(prior.continuous):
        values = torch.linspace(-1, 1, steps)
        names = [f"{value:.1f}" for value in values.tolist()]
        changed = _changed(latents, sum(prior.categories) + index, values[:, None])
        found.append((f"continuous code {index}", names, changed))
    return found


def code_colorings(prior: CodePrior, latents: Tensor) -> list[Coloring]:
    """The first categorical code, if there is one, and the continuous codes of latents [N, Z]."""
    codes = prior.codes(latents)
    found: list[Coloring] = [
        CategoricalColoring(title="categorical code", values=values)
        for values in codes.categories[:1]
    ]
    found += [
        ContinuousColoring(title=f"continuous code {index}", values=values)
        for index, values in enumerate(codes.continuous.T)
    ]
    return found


def _changed(latents: Tensor, place: int, values: Tensor) -> Tensor:
    """Latents ``[R, Z]`` with each of values ``[S, W]`` from a place on: ``[R, S, Z]``."""
    changed = latents[:, None].repeat(1, len(values), 1)
    changed[:, :, place : place + values.shape[1]] = values.to(latents)
    return changed


def _decode(model: LatentSampler, latents: Tensor, labels: Tensor | None) -> Tensor:
    return model.decode(latents, labels, averaged=True, batch_size=256).cpu()
