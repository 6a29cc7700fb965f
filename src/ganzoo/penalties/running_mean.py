"""The long-running mean of a scalar, remembered with the model."""

from typing import cast

import torch
from torch import Tensor

from ganzoo.errors import InputError
from ganzoo.precision import KeptInFloat32
from ganzoo.strategies.across_devices import mean_across_devices


class RunningMean(KeptInFloat32):
    """An exponential moving average that starts from the first value it sees.

    It is what path length regularisation (Karras et al. 2020, arXiv:1912.04958) and LeCam (Tseng
    et al. 2021, arXiv:2104.03310) measure by. Departure: the authors' codes start from zero and
    from 1000.

    Args:
        decay: Share of the past that stays at each step, in [0, 1).

    Raises:
        InputError: if ``decay`` is out of range.
    """

    def __init__(self, *, decay: float) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise InputError(f"decay must be at least 0 and below 1, not {decay}")
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("seen", torch.zeros((), dtype=torch.bool))

    def after(self, values: Tensor) -> Tensor:
        """The mean once these values are part of it: a scalar, which gradients flow through.

        With several processes the values are those of all of them.
        """
        mean, seen = cast(Tensor, self.mean), cast(Tensor, self.seen)
        (now,) = mean_across_devices([values.mean().to(mean.dtype)])
        return torch.where(seen, torch.lerp(now, mean, self.decay), now)

    @torch.no_grad()
    def update(self, values: Tensor) -> None:
        """Take the mean of these values into it, unless that is not finite."""
        mean, seen = cast(Tensor, self.mean), cast(Tensor, self.seen)
        after = self.after(values)
        finite = after.isfinite()
        mean.copy_(torch.where(finite, after, mean))
        seen.logical_or_(finite)
