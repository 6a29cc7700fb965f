"""Samples as files: pictures, arrays, and ways between latents."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.interpolation import linear, spherical
from ganzoo.pictures import (
    RealDistribution,
    image_grid,
    save_gif,
    save_png,
    scatter,
    to_uint8,
)
from ganzoo.sampling.class_names import Labels, folder_name
from ganzoo.sampling.latents import LatentSampler

log = logging.getLogger("ganzoo")

Interpolation = Callable[[Tensor, Tensor, int], Tensor]
_MOST_CHANNELS = 4
INTERPOLATIONS: dict[str, Interpolation] = {"linear": linear, "spherical": spherical}


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which samples are wanted.

    Attributes:
        n: Number of samples.
        labels: Numbers or names of classes, one or one for each sample; None takes the classes in
            turn.
        seed: Chooses the latents.
        truncation: Bound of the latents' magnitude, or how far styles keep of their way from the
            mean, or None.
        averaged: Whether the averaged weights are used.
        batch_size: Samples computed at once.
    """

    n: int
    labels: Labels | None
    seed: int
    truncation: float | None
    averaged: bool
    batch_size: int

    def draw(self, model: LatentSampler) -> tuple[Tensor, Tensor | None]:
        """Samples ``[N, ...]`` and, of a conditional model, their labels ``[N]``."""
        labels = self._labels(model)
        samples = model.sample(
            self.n,
            labels=labels,
            seed=self.seed,
            truncation=self.truncation,
            averaged=self.averaged,
            batch_size=self.batch_size,
        )
        return samples.cpu(), labels

    def _labels(self, model: LatentSampler) -> Tensor | None:
        classes = getattr(model, "num_classes", None)
        if self.labels is None:
            return torch.arange(self.n) % classes if classes else None
        return model.choose_labels(self.labels, self.n, torch.Generator())

    def path_between_latents(self, model: LatentSampler, way: Interpolation, steps: int) -> Tensor:
        """Samples of one class along ways through ``n`` latents and back to the first.

        Raises:
            InputError: if there are labels of several classes, or they do not fit the model.
        """
        labels = self._labels(model)
        if self.labels is not None and labels is not None and len(set(labels.tolist())) > 1:
            raise InputError(
                "an interpolation shows one class, the labels are of several: write labels=CLASS"
            )
        random = torch.Generator().manual_seed(self.seed)
        of_prior, of_styles = model.truncations(self.truncation)
        corners = model.latent_prior.sample(self.n, generator=random, truncation=of_prior)
        ways = zip(corners, corners.roll(-1, dims=0), strict=True)
        latents = torch.cat([way(start, end, steps + 1)[:-1] for start, end in ways])
        if labels is not None:
            labels = model.choose_labels(labels[:1], len(latents), random)
            assert labels is not None
            log.info("class %s on the whole way", _named(labels[:1], model.class_names)[0])
        return model.decode(
            latents,
            labels,
            averaged=self.averaged,
            batch_size=self.batch_size,
            truncation=of_styles,
        ).cpu()


def save_npz(
    samples: Tensor, labels: Tensor | None, folder: Path, names: Sequence[str] | None = None
) -> list[Path]:
    """Write ``samples.npz``: uint8 ``[N, H, W, C]``, or points float32 ``[N, D]`` as they are.

    Labels are written as numbers, and the names of all classes beside them as ``class_names``.
    """
    arrays: dict[str, Any] = {"samples": samples.numpy()}
    if samples.dim() == 4:
        arrays["samples"] = to_uint8(samples).permute(0, 2, 3, 1).numpy()
    if labels is not None:
        arrays["labels"] = labels.numpy()
        if names:
            arrays["class_names"] = np.array(names)
    path, aside = folder / "samples.npz", folder / ".samples.npz"
    with aside.open("wb") as file:
        np.savez(file, **arrays)
    return [aside.replace(path)]


def save_pictures(
    samples: Tensor,
    folder: Path,
    columns: int,
    labels: Tensor | None = None,
    names: Sequence[str] | None = None,
) -> list[Path]:
    """Write a PNG file for each image and one of them all; of points a scatter.

    Images with labels are in a folder for each class, under its name or its number.

    Raises:
        InputError: if images have more channels than PNG.
    """
    if samples.dim() != 4:
        return [
            scatter(
                samples,
                RealDistribution(),
                folder / "scatter.png",
                f"{len(samples)} samples",
            )
        ]
    if samples.shape[1] > _MOST_CHANNELS:
        raise InputError(
            f"PNG has at most {_MOST_CHANNELS} channels, these samples have {samples.shape[1]}: "
            "write format=npz"
        )
    pixels = to_uint8(samples).permute(0, 2, 3, 1).numpy()
    digits = len(str(len(pixels) - 1))
    inside = [""] * len(pixels) if labels is None else _named(labels, names)
    for index, (image, name) in enumerate(zip(pixels, inside, strict=True)):
        one = image[..., 0] if image.shape[-1] == 1 else image
        save_png(one, folder / name / f"{index:0{digits}d}.png")
    return [save_png(image_grid(samples, columns), folder / "grid.png")]


def save_interpolation(frames: Tensor, folder: Path, steps: int, milliseconds: int) -> list[Path]:
    """Write the frames of a way between latents as a strip, a row from latent to latent, and a GIF.

    Raises:
        InputError: if the frames are not images.
    """
    if frames.dim() != 4:
        raise InputError("interpolation makes pictures of images, this model makes points")
    return [
        save_png(image_grid(frames, columns=steps), folder / "interpolation.png"),
        save_gif(frames, folder / "interpolation.gif", milliseconds),
    ]


def _named(labels: Tensor, names: Sequence[str] | None) -> list[str]:
    """What files and lines call the classes of labels."""
    return [folder_name(names[label]) if names else str(label) for label in labels.tolist()]
