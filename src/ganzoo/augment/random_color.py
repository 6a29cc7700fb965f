"""Images whose brightness, contrast and colours change at random."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.augment.draws import Draws
from ganzoo.augment.transform import Transform
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative


@defaults_from("augment/ada")
class RandomColor(Transform):
    """The colour transforms of a pipe, together one affine map of each image's colours.

    Karras et al. (2020, arXiv 2006.06676), appendix B.3, as in the authors' code. What they do for
    three channels is done here for any number of them: luma is the mean of the channels, and what
    is left of a colour turns and grows around the axis of greys. With more than three channels
    hues turn in a plane at random, with two there are none, and with one there is luma alone.
    A multiplier of 0 leaves a transform out.

    Args:
        brightness: Multiplier of the probability that a number is added to all channels.
        contrast: That all channels are multiplied.
        luma_flip: That luma, and no hue, is negated, half of the times.
        hue: That hues are turned.
        saturation: That the distance from grey is multiplied.
        brightness_deviation: Of the number added.
        contrast_deviation: Of the binary logarithm of the factor.
        largest_hue_turn: As a share of half a turn.
        saturation_deviation: Of the binary logarithm of the factor.

    Raises:
        InputError: if a number is negative.
    """

    def __init__(
        self,
        *,
        brightness: float = FROM_CONFIG,
        contrast: float = FROM_CONFIG,
        luma_flip: float = FROM_CONFIG,
        hue: float = FROM_CONFIG,
        saturation: float = FROM_CONFIG,
        brightness_deviation: float = FROM_CONFIG,
        contrast_deviation: float = FROM_CONFIG,
        largest_hue_turn: float = FROM_CONFIG,
        saturation_deviation: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_not_negative(brightness=brightness, contrast=contrast, luma_flip=luma_flip, hue=hue)
        check_not_negative(saturation=saturation, brightness_deviation=brightness_deviation)
        check_not_negative(contrast_deviation=contrast_deviation)
        check_not_negative(saturation_deviation=saturation_deviation)
        check_not_negative(largest_hue_turn=largest_hue_turn)
        self.brightness, self.contrast, self.luma_flip = brightness, contrast, luma_flip
        self.hue, self.saturation, self.largest_hue_turn = hue, saturation, largest_hue_turn
        self.brightness_deviation = brightness_deviation
        self.contrast_deviation = contrast_deviation
        self.saturation_deviation = saturation_deviation

    def forward(self, images: Tensor, probability: Tensor | float) -> Tensor:
        """Change the colours of each image."""
        if not any((self.brightness, self.contrast, self.luma_flip, self.hue, self.saturation)):
            return images
        draws = Draws(len(images), probability)
        matrix, offset = self.map(draws, images.shape[1])
        matrix, offset = (part.to(images, non_blocking=True) for part in (matrix, offset))
        changed = torch.baddbmm(offset[:, None, None], matrix, images.flatten(2))
        return changed.view_as(images)

    def map(self, draws: Draws, channels: int) -> tuple[Tensor, Tensor]:
        """A matrix for the channels of each image, and a number that is added to all of them.

        All transforms leave greys grey, and what is at right angles to them so. Their order, that
        of the attributes, matters for the number alone.

        Returns:
            ``[B, C, C]`` and ``[B]``.
        """
        added = draws.pick(self.brightness, 0.0, draws.normal) * self.brightness_deviation
        octaves = draws.pick(self.contrast, 0.0, draws.normal) * self.contrast_deviation
        flips = draws.pick(self.luma_flip, 0.0, lambda: (2 * draws.uniform()).floor())
        factor, sign = octaves.exp2(), 1 - 2 * flips
        grey = torch.full((channels, channels), 1 / channels, dtype=added.dtype, device="cpu")
        matrix = sign[:, None, None] * grey
        if channels > 1:
            matrix = matrix + self._of_chroma(draws, grey)
        return factor[:, None, None] * matrix, factor * sign * added

    def _of_chroma(self, draws: Draws, grey: Tensor) -> Tensor:
        """A matrix ``[B, C, C]`` for what is left of colours without their mean."""
        channels = len(grey)
        matrix = torch.eye(channels, dtype=grey.dtype, device="cpu") - grey
        turns = draws.pick(self.hue, 0.0, lambda: 2 * draws.uniform() - 1)
        if self.hue and channels > 2:
            plane = _plane_of_hues(draws, channels)
            turned = _turned(turns * math.pi * self.largest_hue_turn)
            matrix = matrix + plane.transpose(1, 2) @ turned @ plane
        octaves = draws.pick(self.saturation, 0.0, draws.normal) * self.saturation_deviation
        return octaves.exp2()[:, None, None] * matrix


def _turned(angles: Tensor) -> Tensor:
    """From vectors of a plane to their changes by a turn, of angles ``[B]``: ``[B, 2, 2]``."""
    cosine, sine = angles.cos() - 1, angles.sin()
    return torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)


def _plane_of_hues(draws: Draws, channels: int) -> Tensor:
    """Two directions at right angles to each other and to greys: ``[B, 2, C]`` or ``[1, 2, C]``."""
    if channels == 3:
        plane = torch.tensor([[1, -1, 0], [1, 1, -2]], dtype=torch.float64, device="cpu")
        return functional.normalize(plane, dim=1)[None]
    plane = draws.normal(channels, 2)
    found: Tensor = torch.linalg.qr(plane - plane.mean(dim=1, keepdim=True)).Q
    return found.transpose(1, 2)
