"""Generated data that pass as real."""

import torch
from torch import Tensor

from ganzoo.annealing import Setting
from ganzoo.augment.base import Augmentation
from ganzoo.augment.draws import Draws
from ganzoo.augment.probability import Probability, as_probability
from ganzoo.defaults import FROM_CONFIG, defaults_from


@defaults_from("augment/apa")
class PseudoAugmentation(Augmentation):
    """Show the discriminator generated data as real, the more of them the more it overfits.

    Jiang et al. (2021), "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited
    Data" (arXiv 2111.06849), section 3.2: in the discriminator's steps each real sample is
    replaced by a generated one with a probability that adapts as that of ADA does, by the signs of
    the logits of what is shown as real (``lambda_r``). Losses, penalties and the probability see
    the data so mixed; the generator's steps see the real data. Samples themselves stay as they
    are, so that it goes with data of any kind, and with other augmentations.

    Departures: a sample is replaced by that of the same place among the generated ones of the same
    step, whose label is the same, where the authors' come from the generator's last step; the
    probability is at most 1 and part of checkpoints.

    Args:
        probability: A number, how it changes in time, or what adapts it.

    Raises:
        InputError: if the probability is out of range.
    """

    def __init__(self, *, probability: Probability | Setting = FROM_CONFIG) -> None:
        super().__init__()
        self.probability = as_probability(probability)

    def forward(self, data: Tensor) -> Tensor:
        """Return data as they are."""
        return data

    def shown_as_real(self, real: Tensor, fake: Tensor) -> Tensor:
        """Put some generated samples into the places of real ones.

        Args:
            real: ``[B, ...]``.
            fake: ``[B, ...]``, as constants.
        """
        draws = Draws(len(real), self.probability.scalar)
        chosen = draws.chosen(draws.probability).to(real.device, non_blocking=True)
        return torch.where(chosen.view(-1, *[1] * (real.dim() - 1)), fake, real)
