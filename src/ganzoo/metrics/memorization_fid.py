"""A FID that punishes copies of training samples."""

from typing import Any, ClassVar

from torch import Tensor, nn
from torchmetrics.image.mifid import MemorizationInformedFrechetInceptionDistance

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.metrics.samples import SampleMetric


@defaults_from("metrics/mifid")
class MemorizationInformedFrechetDistance(SampleMetric):
    """The MiFID (Bai et al. 2021, 2106.03062), on any features.

    The FID divided by the mean cosine distance, 1 - |cos|, from a generated sample to its nearest
    real one, wherever that mean is below a threshold; otherwise the FID itself. The real samples
    must be those that the generator was trained on, all of them if copies of each are to be
    found. The threshold was chosen for Inception's features, and what it means on others has to be
    tried: on features that are all alike every sample is below it. Where the FID is 0, as between
    a set and itself, the value is 0, too.

    Computed by torchmetrics, in float64, with the roles of the two sets exchanged: torchmetrics
    averages over real samples the distance to the nearest generated one, under which a generator
    of nothing but copies of a few training samples goes unseen. The FID is the same both ways.
    Its cosine matrix of all pairs, and copies of it, take 24 bytes a pair: 2.4 GB for 10,000
    against 10,000.

    Args:
        threshold: The largest mean distance that is punished, above 0 and at most 1; 0.1 in
            torchmetrics and in the competition that the paper reports on.
        limit: The largest number of samples of each kind.
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: if threshold or limit is out of range, and by ``compute`` if a set has fewer
            than 2 or more than ``limit`` samples, or features that are all 0.
    """

    directions: ClassVar[dict[str, str]] = {"mifid": "minimize"}

    def __init__(
        self, *, threshold: float = FROM_CONFIG, limit: int = FROM_CONFIG, **options: Any
    ) -> None:
        if not 0 < threshold <= 1:
            raise InputError(f"threshold must be above 0 and at most 1, not {threshold}")
        check_whole(limit=limit)
        super().__init__(**options)
        self.threshold, self.limit = threshold, limit

    def compute(self) -> dict[str, Tensor]:
        """Return ``mifid``, a scalar of at least 0."""
        real, generated = self.gather(at_least=2, consequence="the value would be far too high")
        self._check(real, generated)
        metric = MemorizationInformedFrechetInceptionDistance(
            feature=nn.Identity(), cosine_distance_eps=float(self.threshold), sync_on_compute=False
        )
        metric.update(generated.double(), real=True)  # its nearest are sought for these
        metric.update(real.double(), real=False)
        distance: Tensor = metric.compute()
        return {"mifid": distance.clamp(min=0).float().to(self.device)}

    def _check(self, real: Tensor, generated: Tensor) -> None:
        if max(len(real), len(generated)) > self.limit:
            raise InputError(
                f"{type(self).__name__} takes at most limit={self.limit} samples of each kind, "
                f"got {len(real)} real and {len(generated)} generated: use fewer samples, or a "
                "higher limit and 24 bytes of memory a pair"
            )
        # torchmetrics leaves out rows that sum to 0.
        if not (real.double().sum(1).any() and generated.double().sum(1).any()):
            raise InputError(
                f"{type(self).__name__} needs features with a direction, those of the real or of "
                "the generated samples are all 0: choose other features"
            )
