"""Images whose spatial frequencies are amplified at random."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.augment.borders import reflected
from ganzoo.augment.draws import Draws
from ganzoo.augment.transform import Transform
from ganzoo.augment.wavelets import band_filters
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive


@defaults_from("augment/ada")
class ImageFilter(Transform):
    """Amplify bands of frequencies, each with the pipe's probability times a multiplier.

    Karras et al. (2020, arXiv 2006.06676), appendix B.4, as in the authors' code: four bands an
    octave wide, the lowest first, each of which has a factor of its own. After each of them the
    whole is divided so that images with the usual spectrum keep their power. Departure: images may
    be smaller than the filter, whose borders are reflected more than once then.

    Args:
        multiplier: Of the pipe's probability, for all bands.
        bands: A further multiplier for each band.
        powers: The share of each band in the power of natural images, up to a factor.
        deviation: Of the binary logarithm of the factors.

    Raises:
        InputError: if a number is negative, or there are not as many powers as bands.
    """

    filters: Tensor

    def __init__(
        self,
        *,
        multiplier: float = FROM_CONFIG,
        bands: Sequence[float] = FROM_CONFIG,
        powers: Sequence[float] = FROM_CONFIG,
        deviation: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_not_negative(multiplier=multiplier, deviation=deviation)
        check_not_negative(**{f"bands[{index}]": band for index, band in enumerate(bands)})
        check_positive(**{f"powers[{index}]": power for index, power in enumerate(powers)})
        if len(bands) != len(powers) or not bands:
            raise InputError(
                f"powers has a number for each of the bands, of which there are {len(bands)}, "
                f"not {len(powers)}"
            )
        self.multiplier, self.deviation, self.bands = multiplier, deviation, tuple(bands)
        self.powers = tuple(power / sum(powers) for power in powers)
        self.register_buffer("filters", band_filters(len(bands)), persistent=False)

    def forward(self, images: Tensor, probability: Tensor | float) -> Tensor:
        """Filter each image along both axes."""
        if not self.multiplier:
            return images
        gains = self.gains(Draws(len(images), probability)).to(images, non_blocking=True)
        taps = gains @ self.filters.to(images)
        channels, side = images.shape[1], taps.shape[1] // 2
        taps = taps.repeat_interleave(channels, dim=0)
        planes = reflected(images, (side, side, side, side)).flatten(0, 1)[None]
        planes = functional.conv2d(planes, taps[:, None, None], groups=len(taps))
        planes = functional.conv2d(planes, taps[:, None, :, None], groups=len(taps))
        return planes.view_as(images)

    def gains(self, draws: Draws) -> Tensor:
        """The factor of each band ``[B, N]``."""
        powers = torch.tensor(self.powers, dtype=torch.float64, device="cpu")
        gains = torch.ones(draws.count, len(powers), dtype=torch.float64, device="cpu")
        for index, band in enumerate(self.bands):
            factors = torch.ones_like(gains)
            octaves = draws.pick(self.multiplier * band, 0.0, draws.normal) * self.deviation
            factors[:, index] = octaves.exp2()
            gains *= factors / (factors.square() @ powers).sqrt()[:, None]
        return gains
