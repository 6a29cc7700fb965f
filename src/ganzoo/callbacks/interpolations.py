"""Samples on paths from one latent to another."""

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from ganzoo.callbacks.pictures import (
    SamplePictures,
    class_names,
    classes_of_rows,
    real_distribution,
    title,
)
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_whole
from ganzoo.interpolation import linear, spherical
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.latents import Uniform
from ganzoo.pictures import LabelledGrid, draw_paths, save_png, sheet
from ganzoo.sampling.latent_prior import LatentPrior
from ganzoo.sampling.latents import LatentSampler


@defaults_from("callbacks/interpolations")
class Interpolations(SamplePictures):
    """Draws samples on paths between the same latents throughout a run.

    What a path is depends on the prior, see :func:`latent_path`. A conditional model makes the
    samples of a path of one class, path by path the next. Images make a row for each path; points
    are drawn as paths over the density of the data. Samples are those of averaged weights.

    Args:
        paths: Number of paths, at least 1.
        steps: Samples of a path, both ends included, at least 2.
        pictures: Arguments of :class:`~ganzoo.callbacks.pictures.SamplePictures`.

    Raises:
        InputError: if a number is out of range.
    """

    name = "interpolations"

    def __init__(
        self, *, paths: int = FROM_CONFIG, steps: int = FROM_CONFIG, **pictures: Any
    ) -> None:
        super().__init__(**pictures)
        check_whole(paths=paths)
        check_whole(2, steps=steps)
        self.paths, self.steps = paths, steps

    def reason_inactive(self, trainer: Trainer, model: LightningModule) -> str | None:
        """That there are only codes, where there is no noise that could move."""
        prior = getattr(model, "latent_prior", None)
        if isinstance(prior, CodePrior) and not prior.noise_dim:
            return "all of a latent is codes, which stay: callbacks=traversals moves them"
        return super().reason_inactive(trainer, model)

    def draw(self, path: Path, trainer: Trainer, model: LatentSampler) -> None:
        """Draw rows of images, or paths of points."""
        classes = classes_of_rows(model, self.paths)
        samples = self._samples(model, classes)
        if samples.dim() == 4:
            save_png(sheet(title(trainer), [self._grid(samples, classes)]), path)
        else:
            real = real_distribution(trainer, self.points, self.seed)
            draw_paths(samples.reshape(self.paths, self.steps, -1), real, path, title(trainer))

    def _samples(self, model: LatentSampler, classes: Tensor | None) -> Tensor:
        """Data ``[paths * steps, ...]``, path after path, on the CPU."""
        drawn, _ = model.draw(2 * self.paths, labels=None, seed=self.seed, truncation=None)
        ends = zip(drawn[0::2], drawn[1::2], strict=True)
        prior = model.latent_prior
        latents = torch.cat([latent_path(prior, *pair, self.steps) for pair in ends])
        labels = None if classes is None else classes.repeat_interleave(self.steps)
        return model.decode(latents, labels, averaged=True, batch_size=len(latents)).cpu()

    def _grid(self, samples: Tensor, classes: Tensor | None) -> LabelledGrid:
        return LabelledGrid(
            images=samples,
            columns=self.steps,
            row_labels=class_names(classes),
            column_labels=["begin", *[""] * (self.steps - 2), "end"],
        )


def latent_path(prior: LatentPrior, start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latents from one to another, such as the prior gives.

    Uniform latents go in a straight line, which stays in their cube; others on an arc about the
    origin, on which the norm of normal latents stays what it is (White 2016, arXiv 1609.04468).
    Codes stay those of the start: there is nothing between two categories. A single number has no
    arc and goes straight.

    Args:
        prior: Where latents come from.
        start: ``[Z]``.
        end: ``[Z]``.
        steps: Number of latents, both ends included, at least 2.

    Returns:
        ``[steps, Z]``.

    Raises:
        InputError: if steps is below 2 or the shapes differ or are not ``[Z]``.
    """
    if isinstance(prior, CodePrior):
        kept = prior.latent_dim - prior.noise_dim
        noise = _arc(start[kept:], end[kept:], steps)
        return torch.cat([start[:kept].expand(steps, -1), noise], dim=1)
    if isinstance(prior, Uniform):
        return linear(start, end, steps)
    return _arc(start, end, steps)


def _arc(start: Tensor, end: Tensor, steps: int) -> Tensor:
    return (spherical if len(start) > 1 else linear)(start, end, steps)
