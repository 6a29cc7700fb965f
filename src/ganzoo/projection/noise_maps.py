"""Noise maps of a generator that are searched together with its styles.

Karras et al. 2020 (arXiv 1912.04958), appendix D.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.networks.noise import Noise

SMALLEST = 8  # pixels of the smallest maps that are looked at


class NoiseMaps:
    """The same noise in each pass: one map for each layer, in their order.

    Args:
        maps: ``[1, 1, H, W]`` each.
    """

    def __init__(self, maps: Sequence[Tensor]) -> None:
        self.maps = list(maps)
        self._next = 0

    def rewind(self) -> "NoiseMaps":
        """Begin with the first layer again."""
        self._next = 0
        return self

    def __call__(self, features: Tensor) -> Tensor:
        """The map of the next layer, for all of its samples."""
        found = self.maps[self._next]
        self._next += 1
        return found.to(features).expand(len(features), -1, -1, -1)


def draw_noise_maps(run: Callable[[Noise], object], seed: int) -> NoiseMaps:
    """Draw the maps that a pass of a generator asks for.

    Args:
        run: The pass, of what draws the noise.
        seed: Chooses them.
    """
    random, maps = torch.Generator().manual_seed(seed), []

    def draw(features: Tensor) -> Tensor:
        drawn = torch.randn(1, 1, *features.shape[2:], generator=random)
        maps.append(drawn.to(features.device))
        return drawn.to(features)

    run(draw)
    return NoiseMaps(maps)


def roughness(maps: Sequence[Tensor]) -> Tensor:
    """How much maps ``[1, 1, H, W]`` are like pictures, not like noise: a scalar, 0 of noise.

    Of each map, and of its halves down to 8 pixels, the squares of the mean product of neighbours,
    to the right and below (equation 7 of the paper, around the border).
    """
    return torch.stack([_correlation(one) for map_ in maps for one in _sizes(map_)]).sum()


def _sizes(noise: Tensor) -> list[Tensor]:
    sizes = [noise]
    while min(sizes[-1].shape[2:]) > SMALLEST:
        sizes.append(functional.avg_pool2d(sizes[-1], 2))
    return sizes


def _correlation(noise: Tensor) -> Tensor:
    products = [(noise * noise.roll(1, dims=axis)).mean().square() for axis in (2, 3)]
    return torch.stack(products).sum()


@torch.no_grad()
def normalize(maps: Sequence[Tensor]) -> None:
    """Give each map the mean 0 and the mean square 1, in place."""
    for noise in maps:
        noise.sub_(noise.mean())
        noise.mul_(noise.square().mean().rsqrt())
