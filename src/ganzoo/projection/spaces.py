"""Where a generator's points are: its styles, or its latents."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_whole
from ganzoo.networks.noise import Noise
from ganzoo.sampling.class_names import Labels
from ganzoo.sampling.latents import LatentSampler

BATCH = 64  # pictures that are compared at once

Distance = Callable[[Tensor], Tensor]
"""From pictures ``[B, C, H, W]`` to their distances ``[B]``."""


@dataclass(frozen=True)
class Space:
    """The space in which a point is looked for.

    Attributes:
        name: ``"styles"`` or ``"latents"``.
        start: The point ``[1, D]`` from which the search begins.
        deviation: The root of the mean squared distance of points from their mean.
        picture: From points ``[B, D]`` and what draws the noise, or None, to pictures.
        takes_noise: Whether there is noise inside the generator.
        label: The class, where there is one and pictures depend on it beside the point.
    """

    name: str
    start: Tensor
    deviation: float
    picture: Callable[[Tensor, Noise | None], Tensor]
    takes_noise: bool
    label: int | None = None


def search_space(
    model: Any,
    distance: Distance,
    *,
    label: Labels | None,
    draws: int,
    candidates: int,
    seed: int,
    averaged: bool,
) -> Space:
    """The styles of a generator that has any, or its latents.

    The search begins at the mean style (of all classes, or of one), which is the authors' start;
    among latents at the one of some candidates whose picture is nearest, of all classes or of one:
    most generators make no picture of the mean latent.

    Args:
        model: A model of latents.
        distance: Of pictures from the one that is looked for.
        label: A class, by number or by name, or None.
        draws: Latents of which mean and deviation are taken, at least 1.
        candidates: Latents whose pictures are compared, at least 1.
        seed: Chooses them.
        averaged: Whether the generator's average is taken where there is one.

    Raises:
        InputError: if the model has no latents or makes no pictures, a number is out of range, or
            there is no such class.
    """
    check_whole(draws=draws, candidates=candidates)
    check_whole(0, seed=seed)
    check_makes_pictures(model)
    network = frozen_copy(model.sampling_network(averaged=averaged))
    random = torch.Generator().manual_seed(seed)
    latents = model.latent_prior.sample(draws, generator=random).to(model.device)
    classes = getattr(model, "num_classes", None)
    if label is not None and classes is None:
        raise InputError("this model has no classes: leave label out")
    labels = None
    if classes is not None:
        wanted = torch.arange(draws) % classes if label is None else label
        labels = model.choose_labels(wanted, draws, random).to(model.device)
    if hasattr(network, "mapping"):
        return _styles(model, network, latents, labels)
    return _latents(model, network, latents, labels, distance, candidates)


def check_makes_pictures(model: Any) -> None:
    """Refuse a model in whose spaces no picture can be.

    Raises:
        InputError: saying why.
    """
    name = type(model).__name__
    if not isinstance(model, LatentSampler):
        raise InputError(f"a picture is looked for among latents, and {name} has none")
    shape = (model.configuration or {}).get("dataset", {}).get("shape", [0, 0, 0])
    if len(shape) != 3:
        raise InputError("a picture is looked for, and this model makes points")


def frozen_copy(network: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose weights take no gradients."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def decoder(
    model: LatentSampler, network: nn.Module, name: str, label: int | None
) -> Callable[[Tensor, Noise | None], Tensor]:
    """From points ``[B, D]`` of a space, and what draws the noise, to pictures.

    Args:
        model: Whose network it is.
        network: The generator, see :func:`frozen_copy`.
        name: Of the space.
        label: The class of latents' pictures, or None.
    """

    def of_styles(points: Tensor, noise: Noise | None) -> Tensor:
        synthesis = cast("Any", network.synthesis)
        styles = points[:, None].expand(-1, synthesis.num_styles, -1)
        return synthesis(styles, **how(noise))  # type: ignore[no-any-return]

    def of_latents(points: Tensor, noise: Noise | None) -> Tensor:
        labels = None
        if label is not None:
            labels = torch.full((len(points),), label, device=points.device)
        return model.generate(network, points, labels, **how(noise))

    def how(noise: Noise | None) -> dict[str, Noise]:
        return {} if noise is None else {"noise": noise}

    return of_styles if name == STYLES else of_latents


STYLES, LATENTS = "styles", "latents"


@torch.no_grad()
def _styles(
    model: LatentSampler, network: nn.Module, latents: Tensor, labels: Tensor | None
) -> Space:
    mapping = cast("nn.Module", network.mapping)
    styles = model.generate(mapping, latents, labels)[:, 0]
    start = styles.mean(dim=0, keepdim=True)
    picture = decoder(model, network, STYLES, None)
    return Space(STYLES, start, _deviation(styles, start), picture, _takes_noise(network))


@torch.no_grad()
def _latents(
    model: LatentSampler,
    network: nn.Module,
    latents: Tensor,
    labels: Tensor | None,
    distance: Distance,
    candidates: int,
) -> Space:
    parts = torch.split(torch.arange(min(candidates, len(latents))), BATCH)
    how = {"noise": _no_noise} if _takes_noise(network) else {}
    pictures = (
        model.generate(network, latents[part], None if labels is None else labels[part], **how)
        for part in parts
    )
    nearest = int(torch.cat([distance(some.float()) for some in pictures]).argmin())
    label = None if labels is None else int(labels[nearest])
    deviation = _deviation(latents, latents.mean(dim=0, keepdim=True))
    picture = decoder(model, network, LATENTS, label)
    start = latents[nearest : nearest + 1]
    return Space(LATENTS, start, deviation, picture, _takes_noise(network), label)


def _deviation(points: Tensor, mean: Tensor) -> float:
    return float((points - mean).square().sum(dim=1).mean().sqrt())


def _takes_noise(network: nn.Module) -> bool:
    return bool(getattr(network, "takes_noise", False))


def _no_noise(features: Tensor) -> Tensor:
    return features.new_zeros(len(features), 1, *features.shape[2:])
