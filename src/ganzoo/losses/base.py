"""What every adversarial objective offers to the game."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

Terms = dict[str, Tensor]


class AdversarialLoss(nn.Module, ABC):
    """A pair of losses to minimise, one for each player, on logits ``[B]``.

    Both methods return named scalar terms; a player's loss is their sum. An objective computes:
    it holds no network, takes no step and logs nothing, and it can be pickled. Running statistics,
    if it keeps any, are its buffers: they follow the model to its device and into its checkpoints.
    """

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor) -> Terms:
        """Score the discriminator.

        Args:
            real: logits ``[B]`` of real data.
            fake: logits ``[B']`` of generated data; B' may differ from B.

        Returns:
            The scalar terms ``"real"`` and ``"fake"``.
        """

    @abstractmethod
    def generator(self, fake: Tensor) -> Terms:
        """Score the generator.

        Args:
            fake: logits ``[B]`` of generated data.

        Returns:
            The scalar term ``"adversarial"``.
        """


class PointwiseLoss(AdversarialLoss):
    """An objective whose terms are batch means of a function of a single logit.

    The three functions get logits ``[B]`` in float32 (float64 stays as it is), also where the
    networks run in half precision, and return one value a sample, ``[B]``.
    """

    @abstractmethod
    def real_cost(self, logits: Tensor) -> Tensor:
        """What the discriminator pays for each real sample."""

    @abstractmethod
    def fake_cost(self, logits: Tensor) -> Tensor:
        """What the discriminator pays for each generated sample."""

    @abstractmethod
    def generator_cost(self, logits: Tensor) -> Tensor:
        """What the generator pays for each of its samples."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Terms:
        """Average the costs of real and of generated samples, each over its own batch."""
        return {
            "real": self.real_cost(_at_least_float32(real)).mean(),
            "fake": self.fake_cost(_at_least_float32(fake)).mean(),
        }

    def generator(self, fake: Tensor) -> Terms:
        """Average the generator's costs over the batch."""
        return {"adversarial": self.generator_cost(_at_least_float32(fake)).mean()}


def _at_least_float32(logits: Tensor) -> Tensor:
    return logits.to(torch.promote_types(logits.dtype, torch.float32))
