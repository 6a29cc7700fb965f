"""Diversity of images by their structural similarity."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.metrics.comparison import SampleSet
from ganzoo.metrics.samples import TwoSampleMetric, check_samples, joined

# The weights of the scales from fine to coarse (Wang et al. 2003, section 3.2).
_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


@defaults_from("metrics/ms_ssim")
class MultiScaleSimilarity(TwoSampleMetric):
    """Mean MS-SSIM of random pairs of images (Odena et al. 2017, section 4.2, 1610.09585).

    Multi-scale structural similarity (Wang et al. 2003) by torchmetrics' function. The less
    images vary, the more alike two of them are: from 0 to 1, where 1 means that all are the same.
    ``compute`` returns ``ms_ssim`` of the generated and ``ms_ssim_real`` of the real images: a
    generated value above the real one shows lost diversity, one below it may also be noise.

    Departures: Odena et al. compare within a class, here any two different images make a pair.
    As in torchmetrics, negative similarities of a scale count as 0, and at the coarsest scale
    windows reach beyond the borders, by reflection. With fewer scales than five, which small
    images need, the weights of the finest ones are brought to sum 1.

    Args:
        pairs: Number of random pairs of each kind.
        deviation: Standard deviation of the Gaussian window in pixels; 1.5 in Wang et al. The
            window is ``2 * int(3.5 * deviation + 0.5) + 1`` pixels wide: 11 for 1.5, 5 for 0.7.
        scales: Number of scales, from 1 to 5; 5 in Wang et al.
        batch_size: Pairs that are compared at once.
        seed: Chooses the pairs; the same at each call.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if a number is not positive and whole, scales above 5; by
            ``update`` if images are not finite, or too small for the scales; by ``compute`` if
            there are fewer than 2 images of a kind.
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
        if scales > len(_WEIGHTS):
            raise InputError(f"scales must be at most {len(_WEIGHTS)}, not {scales}")
        super().__init__(**options)
        self.pairs, self.batch_size, self.seed = pairs, batch_size, seed
        self.deviation, self.scales = deviation, scales
        # As torchmetrics chooses it, whatever kernel size it is given.
        self.window = 2 * int(3.5 * deviation + 0.5) + 1
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("generated", default=[], dist_reduce_fx="cat")

    def select(self, samples: SampleSet) -> Tensor:
        """The images themselves."""
        return samples.samples

    def update(self, data: Tensor, *, real: bool) -> None:
        """Add images to one of the two sets.

        Args:
            data: ``[B, C, H, W]``, in [-1, 1].
            real: Whether they come from the data or from the generator.
        """
        check_samples(data, real=real)
        least = self.window * 2 ** (self.scales - 1)
        if data.ndim != 4 or min(data.shape[2:]) < least:
            raise InputError(
                f"MS-SSIM of {self.scales} scales with deviation={self.deviation} needs images "
                f"[B, C, H, W] of at least {least} pixels a side, got {list(data.shape)}"
            )
        (self.real if real else self.generated).append(data.detach().float())

    def compute(self) -> dict[str, Tensor]:
        """Return ``ms_ssim`` and ``ms_ssim_real``, scalars."""
        return {
            "ms_ssim": self._similarity(self.generated, "generated"),
            "ms_ssim_real": self._similarity(self.real, "real"),
        }

    def _similarity(self, state: list[Tensor] | Tensor, name: str) -> Tensor:
        images = joined(state)
        if len(images) < 2:
            raise InputError(f"MS-SSIM needs at least 2 {name} images, got {len(images)}")
        first, second = random_pairs(len(images), self.pairs, self.seed)
        total = torch.zeros((), dtype=torch.float64)
        for start in range(0, self.pairs, self.batch_size):
            chosen = slice(start, start + self.batch_size)
            total += (
                self._compare(images[first[chosen]], images[second[chosen]]).double().sum().cpu()
            )
        return (total / self.pairs).float().to(images.device)

    def _compare(self, first: Tensor, second: Tensor) -> Tensor:
        weights = _WEIGHTS[: self.scales]
        similarity: Tensor = multiscale_structural_similarity_index_measure(
            first,
            second,
            sigma=self.deviation,
            kernel_size=self.window,
            data_range=2.0,
            betas=tuple(weight / sum(weights) for weight in weights),
            normalize="relu",
            reduction="none",
        )
        return similarity


def random_pairs(count: int, pairs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of pairs of different items, each drawn on its own."""
    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(count, (pairs,), generator=generator)
    second = torch.randint(count - 1, (pairs,), generator=generator)
    return first, second + (second >= first)
