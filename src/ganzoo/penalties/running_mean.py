"""The long-running mean of a scalar, remembered with the model."""

from typing import cast

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError


class RunningMean(nn.Module):
    """An exponential moving average that starts from the first value it sees.

    It is what path length regularisation (Karras et al. 2020, arXiv:1912.04958) and LeCam (Tseng
    et al. 2021, arXiv:2104.03310) measure by. Departure: the authors' codes start from zero and
    from 1000.

    Args:
        decay: share of the past that stays at each update, in [0, 1).

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

    @torch.no_grad()
    def forward(self, values: Tensor) -> Tensor:
        """Move towards the mean of the values, and return a copy of where that leads: a scalar."""
        mean, seen = cast(Tensor, self.mean), cast(Tensor, self.seen)
        now = values.detach().mean().to(mean.dtype)
        mean.copy_(torch.where(seen, torch.lerp(now, mean, self.decay), now))
        seen.fill_(True)
        return mean.clone()
