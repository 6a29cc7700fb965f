"""How much pictures change along short steps through the latent space."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchmetrics.functional.image import perceptual_path_length

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.interpolation import points_on_arcs
from ganzoo.metrics.features.base import FeatureExtractor
from ganzoo.metrics.images import to_image_range
from ganzoo.metrics.inputs import Generator, MetricInputs
from ganzoo.metrics.resizing import unrounded
from ganzoo.metrics.samples import TwoSampleMetric


@defaults_from("metrics/perceptual_path_length")
class PerceptualPathLength(TwoSampleMetric):
    """Perceptual path length in the latent space (Karras et al. 2019, section 4.1, 1812.04948).

    The mean of ``d(G(p(t)), G(p(t + epsilon))) / epsilon^2`` over pairs of latents, p a path from
    one to the other and t uniform in [0, 1]. A generator that folds its latent space, or jumps
    between pictures, has long paths. It looks at the generator alone: one that makes a single
    picture has length 0. Computed by torchmetrics; ``compute`` returns
    ``perceptual_path_length`` and ``perceptual_path_length_deviation``, the standard deviation
    over the pairs, in squared units of the features.

    Departures: d is the squared Euclidean distance of the features that are measured with, whose
    pictures are not rounded to 8 bits here, as steps of epsilon are smaller than that. The
    paper's d, LPIPS on VGG with weights fitted to human judgement, needs a download: lengths are
    comparable on the same features only. As in the paper's code, the shortest and the longest
    steps are left out. torchmetrics' own steps all start at t = 0, so it is given the two ends of
    each step here, and a step of 1.

    Args:
        pairs: Number of pairs of latents; the paper uses 100,000.
        epsilon: Length of a step, as a share of the path; 0.0001 in the paper. Float32 pictures
            and features bear no shorter ones: their rounding adds about 1 % at 0.0001 and over
            10 % at 0.00001.
        interpolation: ``spherical``, along the arc about the origin (White 2016, section 2.1,
            1609.04468), for normal latents; or ``linear``.
        discard: Share of the steps that is left out at either end, below 0.5; 0.01 in the paper's
            code.
        seed: Chooses latents and places on the paths.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if an argument is out of range, by ``measure`` if there is no generator.
    """

    directions: ClassVar[dict[str, str]] = {"perceptual_path_length": "minimize"}

    def __init__(
        self,
        *,
        pairs: int = FROM_CONFIG,
        epsilon: float = FROM_CONFIG,
        interpolation: str = FROM_CONFIG,
        discard: float = FROM_CONFIG,
        seed: int = FROM_CONFIG,
        **options: Any,
    ) -> None:
        check_whole(pairs=pairs)
        check_positive(epsilon=epsilon)
        if interpolation not in ("linear", "spherical"):
            raise InputError(f"interpolation must be linear or spherical, not {interpolation!r}")
        if not 0 <= discard < 0.5:
            raise InputError(f"discard must be from 0 up and below 0.5, not {discard}")
        super().__init__(**options)
        self.pairs, self.epsilon, self.interpolation = pairs, epsilon, interpolation
        self.discard, self.seed = discard, seed
        self._measured: tuple[Generator, FeatureExtractor] | None = None

    def update_from(self, inputs: MetricInputs) -> None:
        """Take the generator and the features of the generated samples."""
        self.update(inputs.require_generator(self), inputs.generated.extractor)

    def update(self, generator: Generator, features: FeatureExtractor) -> None:
        """Set what is measured; the last one counts.

        Args:
            generator: Makes samples of latents.
            features: Between which distances are taken, on the device of those samples.
        """
        self._measured = (generator, features)

    def reset(self) -> None:
        """Forget the generator."""
        super().reset()
        self._measured = None

    def compute(self) -> dict[str, Tensor]:
        """Return ``perceptual_path_length`` and its deviation over the pairs, scalars.

        Raises:
            InputError: if there was no generator, or its images are not in [-1, 1].
        """
        if self._measured is None:
            raise InputError("PerceptualPathLength needs at least 1 generator, got 0")
        generator, features = self._measured
        first, second = (generator.latents(self.pairs, seed=self.seed + i) for i in (0, 1))

        def decode(latents: Tensor) -> Tensor:
            return to_image_range(generator.decode(latents.to(first)))

        with torch.random.fork_rng(devices=[first.device] if first.is_cuda else []), unrounded():
            mean, _, lengths = perceptual_path_length(
                _Decoder(decode, self._ends_of_steps(first, second)),  # type: ignore[arg-type]
                num_samples=self.pairs,
                interpolation_method="lerp",
                epsilon=1.0,
                lower_discard=float(self.discard),
                upper_discard=1 - float(self.discard),
                sim_net=_SquaredDistance(features),
            )
        values = {
            "perceptual_path_length": mean,
            "perceptual_path_length_deviation": lengths.std(correction=0),
        }
        return {n: (v / self.epsilon**2).float().to(self.device) for n, v in values.items()}

    def _ends_of_steps(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Where each step starts and ends, float64."""
        ends = first.cpu().double(), second.cpu().double()
        random = torch.Generator().manual_seed(self.seed)
        share = torch.rand(self.pairs, 1, generator=random, dtype=torch.float64)
        path = points_on_arcs if self.interpolation == "spherical" else torch.lerp
        return path(*ends, share), path(*ends, share + self.epsilon)


class _Decoder(nn.Module):
    """A generator as torchmetrics wants it: pairs of latents, and images in [0, 255]."""

    def __init__(self, decode: Callable[[Tensor], Tensor], ends: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.decode = decode
        self.ends = iter(ends)

    def sample(self, num_samples: int) -> Tensor:
        """Return where all steps start and, the second time, where they end."""
        return next(self.ends)

    def forward(self, latents: Tensor) -> Tensor:
        """Return the samples ``[B, ...]`` of latents ``[B, Z]``."""
        return (self.decode(latents) + 1) * 127.5


class _SquaredDistance(nn.Module):
    """Squared Euclidean distances ``[B]`` between the features of two batches of samples."""

    def __init__(self, features: FeatureExtractor) -> None:
        super().__init__()
        self.features = features.forward  # not the module: torchmetrics would move it

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare samples one by one."""
        apart = self.features(first).double() - self.features(second).double()
        return apart.square().sum(dim=1)
