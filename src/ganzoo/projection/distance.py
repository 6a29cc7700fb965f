"""How far pictures are from the one that is looked for."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from ganzoo.errors import InputError, check_not_negative, check_whole
from ganzoo.losses.perceptual_distance import HasMaps, PerceptualDistance


class PictureDistance:
    """The distance of features at several depths, and of pixels.

    :class:`~ganzoo.losses.perceptual_distance.PerceptualDistance` of each extractor, and the mean
    square of the pixels' differences. Pictures that are larger are averaged down first.

    Args:
        target: ``[1, C, H, W]`` in [-1, 1].
        extractors: Features; none leaves the pixels.
        pixel_weight: Of the mean square of the pixels' differences, at least 0.
        largest_size: Pixels of the shorter side that features are taken of, at most.

    Raises:
        InputError: if a number is out of range, or features have no maps.
    """

    def __init__(
        self,
        target: Tensor,
        extractors: Sequence[HasMaps],
        *,
        pixel_weight: float,
        largest_size: int,
    ) -> None:
        check_not_negative(pixel_weight=pixel_weight)
        check_whole(largest_size=largest_size)
        if not extractors and not pixel_weight:
            raise InputError("a distance needs features, or pixel_weight above 0")
        self.target, self.pixel_weight, self.largest_size = target, pixel_weight, largest_size
        self._perceptual = [PerceptualDistance(extractor=one).to(target) for one in extractors]

    def __call__(self, pictures: Tensor) -> Tensor:
        """The distances ``[B]`` of pictures ``[B, C, H, W]``, with gradients."""
        squares = (pictures - self.target).square().flatten(1).mean(dim=1)
        distances = self.pixel_weight * squares
        small, target = self._reduced(pictures), self._reduced(self.target)
        for perceptual in self._perceptual:
            distances = distances + perceptual(small, target)
        return distances

    def _reduced(self, pictures: Tensor) -> Tensor:
        factor = min(pictures.shape[2:]) // self.largest_size
        return functional.avg_pool2d(pictures, factor) if factor > 1 else pictures
