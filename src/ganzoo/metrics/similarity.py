"""Diversity of images by their structural similarity."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.metrics.inputs import SampleSet
from ganzoo.metrics.resizing import quantize
from ganzoo.metrics.samples import TwoSampleMetric, check_samples, joined
from ganzoo.metrics.structure import multi_scale_similarity, smallest_side, window_width


@defaults_from("metrics/ms_ssim")
class MultiScaleSimilarity(TwoSampleMetric):
    """Mean MS-SSIM of random pairs of images (Odena et al. 2017, section 4.2, 1610.09585).

    Multi-scale structural similarity (Wang et al. 2003) of images as a picture file holds them,
    levels from 0 to 255, as the code of Karras et al. (2018, 1710.10196) computes it: Gaussian
    windows of deviation 1.5 and 11 pixels that lie within the image, five scales, each half of
    the one before by means of 2 x 2 pixels; where a scale is smaller than the window, both width
    and deviation shrink to its size; means of the map that are below 0 count as 0.

    The less images vary, the more alike two of them are: from 0 to 1, where 1 means that all are
    the same. ``compute`` returns ``ms_ssim`` of the generated and ``ms_ssim_real`` of the real
    images: a generated value above the real one shows lost diversity, one below it may also be
    noise.

    Departures: Odena et al. compare within a class, Karras et al. and this any two different
    images. Karras et al. take each image once; here each pair is drawn on its own. With fewer
    scales than five, the weights of the finest ones are brought to the five's sum. A last row or
    column that has no partner is left out at the next scale, where their code fails.

    Args:
        pairs: Number of random pairs of each kind; 10,000 in Karras et al.
        deviation: Standard deviation of the Gaussian window in pixels; 1.5 in both. The window is
            ``2 * int(3.5 * deviation + 0.5) + 1`` pixels wide: 11 for 1.5, 5 for 0.7.
        scales: Number of scales, from 1 to 5; 5 in both. Images need ``2 ** (scales - 1)`` pixels
            a side.
        batch_size: Pairs that are compared at once.
        seed: Chooses the pairs; the same at each call.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if a number is not positive and whole, scales above 5; by ``update`` if images
            are not finite, out of range, or too small for the scales; by ``compute`` if there are
            fewer than 2 images of a kind.
    """

    depends_on_features = False
    directions: ClassVar[dict[str, str]] = {"ms_ssim": "minimize"}
    real: list[Tensor]
    generated: list[Tensor]

    def __init__(
        self,
        *,
        pairs: int = FROM_CONFIG,
        deviation: float = FROM_CONFIG,
        scales: int = FROM_CONFIG,
        batch_size: int = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        **options: Any,
    ) -> None:
        check_whole(pairs=pairs, scales=scales, batch_size=batch_size)
        check_positive(deviation=deviation)
        self.smallest = smallest_side(scales)
        super().__init__(**options)
        self.pairs, self.batch_size, self.seed = pairs, batch_size, seed
        self.deviation, self.scales = deviation, scales
        self.window = window_width(deviation)
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("generated", default=[], dist_reduce_fx="cat")

    def select(self, samples: SampleSet) -> Tensor:
        """The images themselves."""
        return samples.samples

    def update(self, data: Tensor, *, real: bool) -> None:
        """Add images to one of the two sets.

        Args:
            data: ``[B, C, H, W]``, in [-1, 1] or uint8.
            real: Whether they come from the data or from the generator.
        """
        check_samples(data, real=real)
        if data.ndim != 4:
            raise InputError(f"MS-SSIM needs images [B, C, H, W], got {list(data.shape)}")
        side = min(data.shape[2:])
        if side < self.smallest:
            raise InputError(
                f"MS-SSIM of {self.scales} scales needs images of at least {self.smallest} pixels "
                f"a side, got {list(data.shape)}: set metrics.ms_ssim.scales={side.bit_length()}"
            )
        (self.real if real else self.generated).append(quantize(data.detach()))

    def compute(self) -> dict[str, Tensor]:
        """Return ``ms_ssim`` and ``ms_ssim_real``, scalars."""
        return {
            "ms_ssim": self._mean_similarity(self.generated, "generated"),
            "ms_ssim_real": self._mean_similarity(self.real, "real"),
        }

    def _mean_similarity(self, state: list[Tensor] | Tensor, name: str) -> Tensor:
        images = joined(state)
        if len(images) < 2:
            raise InputError(f"MS-SSIM needs at least 2 {name} images, got {len(images)}")
        first, second = random_pairs(len(images), self.pairs, self.seed)
        total = torch.zeros((), dtype=torch.float64)
        for start in range(0, self.pairs, self.batch_size):
            chosen = slice(start, start + self.batch_size)
            total += (
                multi_scale_similarity(
                    images[first[chosen]],
                    images[second[chosen]],
                    deviation=self.deviation,
                    scales=self.scales,
                )
                .sum()
                .cpu()
            )
        return (total / self.pairs).float().to(self.device)


def random_pairs(count: int, pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of pairs of different items, each drawn on its own."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(count, (pairs,), generator=generator)
    second = torch.randint(count - 1, (pairs,), generator=generator)
    return first, second + (second >= first)
