"""Images that are mirrored, turned, moved and stretched at random."""

import math

import torch
from torch import Tensor

from ganzoo.augment.affine import rotation, scaling, translation
from ganzoo.augment.draws import Draws
from ganzoo.augment.transform import Transform
from ganzoo.augment.warping import warped
from ganzoo.augment.wavelets import low_pass_taps
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative


@defaults_from("augment/ada")
class RandomGeometry(Transform):
    """The geometric transforms of a pipe, together one affine map of each image.

    Karras et al. (2020, arXiv 2006.06676), appendix B.2, as in the authors' code, in this order.
    A multiplier of 0 leaves a transform out; where all are 0, images stay as they are. Images that
    no transform was chosen for pass the filters as well, which changes them by rounding alone.

    Images that are no squares are turned within their frame.

    Args:
        x_flip: Multiplier of the probability of mirroring left to right, half of the times.
        rotate_90: Of none to three quarter turns.
        integer_translation: Of a shift by whole pixels along both axes.
        scale: Of another size.
        rotate: Of a turn by any angle, before the next transform, after it, or both.
        anisotropic_scale: Of one side made longer and the other one shorter by as much.
        fractional_translation: Of a shift along both axes.
        largest_shift: By whole pixels, as a share of the image's size.
        scale_deviation: Of the binary logarithm of the change of size.
        largest_turn: As a share of half a turn.
        anisotropy_deviation: Of the binary logarithm of the change of a side.
        shift_deviation: Of the other shift, as a share of the image's size.

    Raises:
        InputError: if a number is negative.
    """

    taps: Tensor

    def __init__(
        self,
        *,
        x_flip: float = FROM_CONFIG,
        rotate_90: float = FROM_CONFIG,
        integer_translation: float = FROM_CONFIG,
        scale: float = FROM_CONFIG,
        rotate: float = FROM_CONFIG,
        anisotropic_scale: float = FROM_CONFIG,
        fractional_translation: float = FROM_CONFIG,
        largest_shift: float = FROM_CONFIG,
        scale_deviation: float = FROM_CONFIG,
        largest_turn: float = FROM_CONFIG,
        anisotropy_deviation: float = FROM_CONFIG,
        shift_deviation: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_not_negative(x_flip=x_flip, rotate_90=rotate_90, scale=scale, rotate=rotate)
        check_not_negative(integer_translation=integer_translation)
        check_not_negative(anisotropic_scale=anisotropic_scale)
        check_not_negative(fractional_translation=fractional_translation)
        check_not_negative(largest_shift=largest_shift, scale_deviation=scale_deviation)
        check_not_negative(largest_turn=largest_turn, anisotropy_deviation=anisotropy_deviation)
        check_not_negative(shift_deviation=shift_deviation)
        self.x_flip, self.rotate_90, self.scale, self.rotate = x_flip, rotate_90, scale, rotate
        self.integer_translation = integer_translation
        self.anisotropic_scale = anisotropic_scale
        self.fractional_translation = fractional_translation
        self.largest_shift, self.shift_deviation = largest_shift, shift_deviation
        self.scale_deviation, self.anisotropy_deviation = scale_deviation, anisotropy_deviation
        self.largest_turn = largest_turn
        self.register_buffer("taps", low_pass_taps(), persistent=False)

    def forward(self, images: Tensor, probability: Tensor | float) -> Tensor:
        """Move each image."""
        height, width = images.shape[-2:]
        sources = self.sources(Draws(len(images), probability), height, width)
        return images if sources is None else warped(images, sources, self.taps)

    def sources(self, draws: Draws, height: int, width: int) -> Tensor | None:
        """Where each pixel comes from, in pixels from the centre: ``[B, 3, 3]``, None where it is.

        The inverses of the transforms, the first of them leftmost.
        """
        found = None
        for multiplier, source in (
            (self.x_flip, self._mirrored),
            (self.rotate_90, self._turned_by_quarters),
            (self.integer_translation, self._shifted_by_pixels),
            (self.scale, self._scaled),
            (self.rotate, self._turned),
            (self.anisotropic_scale, self._stretched),
            (self.rotate, self._turned),
            (self.fractional_translation, self._shifted),
        ):
            if multiplier:
                step = source(draws, height, width)
                found = step if found is None else found @ step
        return found

    def _mirrored(self, draws: Draws, height: int, width: int) -> Tensor:
        flips = draws.pick(self.x_flip, 0.0, lambda: (2 * draws.uniform()).floor())
        return scaling(1 - 2 * flips, 1.0)

    def _turned_by_quarters(self, draws: Draws, height: int, width: int) -> Tensor:
        quarters = draws.pick(self.rotate_90, 0.0, lambda: (4 * draws.uniform()).floor())
        return rotation(quarters * math.pi / 2)

    def _shifted_by_pixels(self, draws: Draws, height: int, width: int) -> Tensor:
        shares = draws.pick(self.integer_translation, 0.0, lambda: 2 * draws.uniform(2) - 1)
        x, y = (shares * self.largest_shift).unbind(dim=1)
        return translation(-(x * width).round(), -(y * height).round())

    def _scaled(self, draws: Draws, height: int, width: int) -> Tensor:
        octaves = draws.pick(self.scale, 0.0, draws.normal) * self.scale_deviation
        return scaling((-octaves).exp2(), (-octaves).exp2())

    def _turned(self, draws: Draws, height: int, width: int) -> Tensor:
        """One of two turns; the chance of each is such that there is one at all with the whole."""
        angles = (2 * draws.uniform() - 1) * math.pi * self.largest_turn
        chance = 1 - (1 - self.rotate * draws.probability).clamp(min=0).sqrt()
        return rotation(torch.where(draws.chosen(chance), angles, 0.0))

    def _stretched(self, draws: Draws, height: int, width: int) -> Tensor:
        octaves = draws.pick(self.anisotropic_scale, 0.0, draws.normal) * self.anisotropy_deviation
        return scaling((-octaves).exp2(), octaves.exp2())

    def _shifted(self, draws: Draws, height: int, width: int) -> Tensor:
        shares = draws.pick(self.fractional_translation, 0.0, lambda: draws.normal(2))
        x, y = (shares * self.shift_deviation).unbind(dim=1)
        return translation(-x * width, -y * height)
