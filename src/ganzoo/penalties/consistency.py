"""Consistency regularisation: the discriminator shall not care about augmentations."""

from torch import Tensor

from ganzoo.augment import Augmentation
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Discriminator, Penalty


@defaults_from("penalty/consistency")
class Consistency(Penalty):
    """Ask for the same logit before and after augmentation: ``E (D(x) - D(T(x)))^2``.

    Zhang et al. (2020, arXiv:1910.12027), CR-GAN: on real data, with random horizontal flips and
    shifts by a few pixels as T and a weight of 10. Gradients flow through both logits.

    Departures: what a shift uncovers is the repeated edge, where StudioGAN reflects the image.
    Points have no flips, so a small noise takes their place there.

    Args:
        weight: lambda in the paper, at least 0.
        interval: see :class:`Penalty`.
        augmentation: T, from data ``[B, ...]`` to as much changed data.
    """

    looks_at_fake = False

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        augmentation: Augmentation = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        self.augmentation = augmentation

    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Average the squared change of the logit over the real batch; fake is not used."""
        return self.inconsistency(discriminator, real)

    def inconsistency(self, discriminator: Discriminator, data: Tensor) -> Tensor:
        """Average the squared change of the logit under augmentation over data ``[B, ...]``."""
        change = discriminator(data) - discriminator(self.augmentation(data))
        return change.square().mean()


@defaults_from("penalty/balanced_consistency")
class BalancedConsistency(Consistency):
    """The same on generated data too: ``E (D(x) - D(T(x)))^2 + E (D(G(z)) - D(T(G(z))))^2``.

    Zhao et al. (2020, arXiv:2002.04724), bCR-GAN: with the term on real data alone the generator
    learns to make augmented data, since no price is set on telling those apart.

    Departures: one weight for both sums; the paper has two and sets both to 10.
    """

    looks_at_fake = True

    def value(self, discriminator: Discriminator, real: Tensor, fake: Tensor) -> Tensor:
        """Add the means over the real and over the generated batch."""
        on_real = self.inconsistency(discriminator, real)
        return on_real + self.inconsistency(discriminator, fake)
