"""Frechet distance between the features of real and of generated samples."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.metrics.features.statistics import (
    add_features,
    empty_moments,
    merge_moments,
    to_statistics,
)
from ganzoo.metrics.frechet import frechet_distance
from ganzoo.metrics.samples import TwoSampleMetric, check_samples

_BIAS = "the value would be too high, by an amount about in proportion to 1/N"


class FrechetDistance(TwoSampleMetric):
    """The FID (Heusel et al. 2017, equation 6, 1706.08500), on any features.

    The squared Frechet distance between Gaussians with the mean and the unbiased covariance of
    the features of either set. On ``InceptionFeatures`` with ``LegacyResizing`` it is the FID
    that papers print; a number on other features is comparable only with numbers on the same.
    Even two halves of the same set are apart, by an amount that falls about as 1/N (Chong and
    Forsyth 2020, 1911.07023): compare values at the same counts only. With fewer samples than
    features the covariances are singular, which costs no precision but makes that bias large.

    Features become float64 means and covariances batch by batch; no features are kept.

    Args:
        options: Arguments of :class:`torchmetrics.Metric`.

    Raises:
        InputError: by ``compute`` if a set has fewer than 2 samples.
    """

    directions: ClassVar[dict[str, str]] = {"fid": "minimize"}
    real: list[Tensor]
    generated: list[Tensor]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # At most one tensor of moments, whose size the first features decide; once the devices
        # are gathered, one of each.
        self.add_state("real", default=[], dist_reduce_fx=None)
        self.add_state("generated", default=[], dist_reduce_fx=None)

    def update(self, data: Tensor, *, real: bool) -> None:
        """Add samples to one of the two sets.

        Args:
            data: Features ``[B, F]``.
            real: Whether they come from the data or from the generator.

        Raises:
            InputError: if data is not finite, or not of the size of the samples before.
        """
        features = check_samples(data, real=real)
        for kept in [*self.real, *self.generated]:
            if kept.shape[1] != features.shape[1]:
                raise InputError(
                    f"all samples must have the same size: got {features.shape[1]} features "
                    f"after {kept.shape[1]}"
                )
        state = self.real if real else self.generated
        if not state:
            state.append(empty_moments(features.shape[1]).to(_with_float64(features.device)))
        add_features(state[0], features)

    def compute(self) -> dict[str, Tensor]:
        """Return ``fid``, a scalar of at least 0, in the features' units squared."""
        sets = _merged(self.real), _merged(self.generated)
        for origin, moments in zip((True, False), sets, strict=True):
            self.require(int(moments[0, 0]), at_least=2, real=origin, consequence=_BIAS)
        real, generated = map(to_statistics, sets)
        distance = frechet_distance(*real, *generated)
        return {"fid": distance.float().to(self.device)}

    def _apply(
        self, fn: Callable[[Tensor], Tensor], exclude_state: Sequence[str] = ()
    ) -> nn.Module:
        """Leave the moments where they are if the device that all is moved to has no float64."""
        try:
            fn(torch.empty(0, dtype=torch.float64))
        except TypeError:
            exclude_state = ("real", "generated")
        return super()._apply(fn, exclude_state)


def _merged(moments: list[Tensor]) -> Tensor:
    return merge_moments(torch.stack(moments)) if moments else empty_moments(1)


def _with_float64(device: torch.device) -> torch.device:
    return torch.device("cpu") if device.type == "mps" else device
