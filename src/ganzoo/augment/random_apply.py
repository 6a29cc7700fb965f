"""Any augmentation, of some of the samples."""

import torch
from torch import Tensor

from ganzoo.annealing import Setting
from ganzoo.augment.base import Augmentation, as_augmentation
from ganzoo.augment.probability import Probability, as_probability


class RandomApply(Augmentation):
    """Change each sample with some probability, which may adapt as that of ADA does.

    Args:
        augmentation: The change; a function of data among them.
        probability: A number, how it changes in time, or what adapts it.

    Raises:
        InputError: if the probability is out of range.
    """

    def __init__(self, *, augmentation: Augmentation, probability: Probability | Setting) -> None:
        super().__init__()
        self.augmentation = as_augmentation(augmentation)
        self.probability = as_probability(probability)

    def forward(self, data: Tensor) -> Tensor:
        """Change samples ``[B, ...]`` that are chosen."""
        chosen = torch.rand(len(data), device=data.device) < self.probability.scalar
        chosen = chosen.view(-1, *[1] * (data.dim() - 1))
        return torch.where(chosen, self.augmentation(data), data)
