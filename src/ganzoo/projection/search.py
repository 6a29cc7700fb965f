"""The search for the point whose picture is nearest to a given one.

Karras et al. 2020 (arXiv 1912.04958), section 5 and appendix D, by the numbers of their code.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive, check_whole
from ganzoo.metrics.progress import with_progress
from ganzoo.projection.found import Projection
from ganzoo.projection.noise_maps import NoiseMaps, draw_noise_maps, normalize, roughness
from ganzoo.projection.spaces import Distance, Space

Shown = Callable[[int, Tensor], None]
"""Told of a step, from 0, and its picture ``[1, C, H, W]``."""


def _pass(step: int, picture: Tensor) -> None:
    """Look at none."""


@defaults_from("projection/stylegan2")
class Search:
    """Adam on a point, and on the noise maps where there are any.

    With t the share of steps made, the learning rate rises linearly over the first share of t and
    falls along a cosine over the last one. Normal noise is added to the point, of deviation
    ``noise`` times that of points times (1 - t / noise_end)^2, until t is ``noise_end``. To the
    distance comes the maps' roughness (:func:`~ganzoo.projection.noise_maps.roughness`); after
    each step they are normalised.

    Departures: the mean style is taken of latents of the run's own seed; the distance is one of
    the features at hand; latents, of generators without styles, are looked for in the same way,
    and are not held to their prior.

    Args:
        steps: At least 1.
        lr: The learning rate, positive.
        betas: Of Adam.
        rise: Share of the steps over which the rate rises, in (0, 1).
        fall: Share of the steps over which it falls, in (0, 1].
        noise: Deviation of the noise at first, as a share of that of points, at least 0.
        noise_end: Share of the steps with noise, in (0, 1].
        roughness_weight: Of the maps' roughness, at least 0.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        steps: int = FROM_CONFIG,
        lr: float = FROM_CONFIG,
        betas: Sequence[float] = FROM_CONFIG,
        rise: float = FROM_CONFIG,
        fall: float = FROM_CONFIG,
        noise: float = FROM_CONFIG,
        noise_end: float = FROM_CONFIG,
        roughness_weight: float = FROM_CONFIG,
    ) -> None:
        check_whole(steps=steps)
        check_positive(lr=lr)
        check_not_negative(noise=noise, roughness_weight=roughness_weight)
        for name, share in {"rise": rise, "fall": fall, "noise_end": noise_end}.items():
            check_positive(**{name: share})
            if share > 1:
                raise InputError(f"{name} is a share of the steps: at most 1, not {share}")
        self.steps, self.lr, self.betas = steps, lr, (betas[0], betas[1])
        self.rise, self.fall = rise, fall
        self.noise, self.noise_end = noise, noise_end
        self.roughness_weight = roughness_weight

    def rate_at(self, share: float) -> float:
        """The learning rate when a share of the steps is made."""
        falling = min(1.0, (1 - share) / self.fall)
        return self.lr * (0.5 - 0.5 * math.cos(math.pi * falling)) * min(1.0, share / self.rise)

    def noise_at(self, share: float) -> float:
        """The noise's deviation then, as a share of that of points."""
        return self.noise * max(0.0, 1 - share / self.noise_end) ** 2

    def find(
        self, space: Space, distance: Distance, *, seed: int, averaged: bool, shown: Shown = _pass
    ) -> Projection:
        """Look for the point, with a progress bar.

        Args:
            space: Where.
            distance: From the picture that is looked for.
            seed: Of all noise; the same seed finds the same point.
            averaged: What the space is of, which is noted.
            shown: Is told of each step.

        Raises:
            InputError: if pictures do not fit, or the search has left all numbers.
        """
        point, random = space.start.clone().requires_grad_(), torch.Generator().manual_seed(seed)
        maps = _noise_maps(space, seed)
        noises = [noise.requires_grad_() for noise in maps.maps] if maps else []
        optimizer = torch.optim.Adam([point, *noises], lr=self.lr, betas=self.betas)
        before = _distance_at(space, distance, point, maps)
        steps = range(self.steps)
        for step in with_progress(steps, count=self.steps, work="looking for the picture"):
            share = step / self.steps
            moved = point + self.noise_at(share) * space.deviation * _noise_like(point, random)
            picture = space.picture(moved, maps and maps.rewind()).float()
            self._step(optimizer, share, distance(picture).sum(), noises)
            shown(step, picture.detach())
        after = _distance_at(space, distance, point, maps)
        if not math.isfinite(after):
            raise InputError("the search has left all numbers: set a smaller projection.lr")
        kept = [noise.detach().cpu() for noise in noises]
        found = point.detach().cpu()
        return Projection(space.name, found, space.label, averaged, kept, before, after)

    def _step(
        self, optimizer: torch.optim.Optimizer, share: float, loss: Tensor, noises: list[Tensor]
    ) -> None:
        if noises:
            loss = loss + self.roughness_weight * roughness(noises)
        optimizer.param_groups[0]["lr"] = self.rate_at(share)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        normalize(noises)


def _noise_like(point: Tensor, random: torch.Generator) -> Tensor:
    return torch.randn(point.shape, generator=random).to(point)


@torch.no_grad()
def _noise_maps(space: Space, seed: int) -> NoiseMaps | None:
    if not space.takes_noise:
        return None
    return draw_noise_maps(lambda noise: space.picture(space.start, noise), seed)


@torch.no_grad()
def _distance_at(space: Space, distance: Distance, point: Tensor, maps: NoiseMaps | None) -> float:
    return float(distance(space.picture(point, maps and maps.rewind()).float()).sum())
