"""How different two pictures look to a network that somebody trained for something else.

Zhang et al. (2018, arXiv:1801.03924).
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import Self

from ganzoo.errors import InputError, described

# The length below which features at a place count as none; their direction would be noise.
_EPS = 1e-3


class HasMaps(Protocol):
    """An extractor of features at several depths, such as those of ``ganzoo.metrics.features``."""

    def maps(self, images: Tensor) -> Sequence[Tensor]:
        """From images ``[B, C, H, W]`` in [-1, 1] to ``[B, C', h, w]``, or ``[B, F]``, each."""


class PerceptualDistance(nn.Module):
    """The distance of two pictures' features, normalised at each place, at several depths.

    Zhang et al. (2018, arXiv:1801.03924), equation 1, with all channels' weights 1: features of
    every map are divided by their length at each place, and

        distance = sum over maps of the mean over places of |features of x - features of y|^2,

    twice one minus the cosine of the angle between them.

    Departures: any extractor, where the paper's are AlexNet, VGG and SqueezeNet; LPIPS also
    learns a weight for each channel from people's judgements. A length below 1e-3 counts as 1e-3.

    The extractor is neither trained nor kept in checkpoints: it moves to the module's device, and
    is no module of it. Gradients flow to the first picture alone.

    Args:
        extractor: as ``ganzoo.metrics.features.EfficientNetFeatures()``.

    Raises:
        InputError: if the extractor has no maps, or its features are pixels.
    """

    def __init__(self, *, extractor: HasMaps) -> None:
        super().__init__()
        has_maps = callable(getattr(extractor, "maps", None)) and not isinstance(extractor, type)
        if not has_maps or getattr(extractor, "raw", False):
            raise InputError(
                "a perceptual distance needs features with maps(images) that are not the pixels, "
                "such as RandomFeatures or EfficientNetFeatures of ganzoo.metrics.features, and "
                f"the extractor is {described(extractor)}"
            )
        if isinstance(extractor, nn.Module):
            extractor.requires_grad_(False)
        self._hidden = [extractor]  # in a list, so that it is no module of this one

    @property
    def extractor(self) -> HasMaps:
        """What is compared."""
        return self._hidden[0]

    def forward(self, fake: Tensor, real: Tensor) -> Tensor:
        """Compare generated with real pictures, one by one.

        Args:
            fake: ``[B, C, H, W]``, in [-1, 1] but for overshoot, with gradients.
            real: ``[B, C, H, W]``, in [-1, 1].

        Returns:
            The distances ``[B]``, from 0 to four times the number of maps; float32 or better.

        Raises:
            InputError: what the extractor says of the pictures.
        """
        with torch.no_grad():
            wanted = self.extractor.maps(real)
        found = self.extractor.maps(fake)
        return torch.stack([_distances(*pair) for pair in zip(found, wanted, strict=True)]).sum(0)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Take the extractor along to another device."""
        if isinstance(self.extractor, nn.Module):
            self.extractor._apply(fn, recurse)  # type: ignore[no-untyped-call]
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def _distances(first: Tensor, second: Tensor) -> Tensor:
    """The mean squared distances ``[B]`` of the directions of ``[B, C, ...]``."""
    difference = functional.normalize(first, eps=_EPS) - functional.normalize(second, eps=_EPS)
    return difference.square().sum(dim=1).reshape(len(first), -1).mean(dim=1)
