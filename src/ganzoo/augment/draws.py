"""Random numbers of the transforms of a pipe, for the samples of one batch."""

from collections.abc import Callable

import torch
from torch import Tensor


class Draws:
    """Numbers in float64, drawn from torch's global random state of the CPU.

    Whatever the device, the same state gives the same transforms, and how far images are moved is
    known without waiting for the device.

    Args:
        count: Samples of the batch, B.
        probability: That of the pipe, in [0, 1].
    """

    def __init__(self, count: int, probability: Tensor | float) -> None:
        self.count = count
        self.probability = torch.as_tensor(probability, dtype=torch.float64, device="cpu")

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1): ``[B, *shape]``."""
        return torch.rand(self.count, *shape, dtype=torch.float64, device="cpu")

    def normal(self, *shape: int) -> Tensor:
        """Numbers of a standard normal distribution: ``[B, *shape]``."""
        return torch.randn(self.count, *shape, dtype=torch.float64, device="cpu")

    def chosen(self, probability: Tensor | float) -> Tensor:
        """Which samples are chosen, each with this probability: bool ``[B]``."""
        return self.uniform() < probability

    def pick(self, multiplier: float, neutral: float, values: Callable[[], Tensor]) -> Tensor:
        """Draw values for all samples, and keep them for those that are chosen after that.

        Args:
            multiplier: Of the pipe's probability; for 0 nothing is drawn.
            neutral: What the others have, a number that changes nothing.
            values: Draws ``[B, ...]``.
        """
        if not multiplier:
            return torch.full((self.count,), neutral, dtype=torch.float64, device="cpu")
        drawn = values()
        chosen = self.chosen(multiplier * self.probability)
        return torch.where(chosen.view(-1, *[1] * (drawn.dim() - 1)), drawn, neutral)
