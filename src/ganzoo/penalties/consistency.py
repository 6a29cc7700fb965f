"""Consistency regularisation: the discriminator shall not care about augmentations."""

from typing import Any, ClassVar

from torch import Tensor

from ganzoo.augment import Augmentation
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context


@defaults_from("penalty/consistency")
class Consistency(Penalty):
    """Ask for the same logit before and after augmentation: ``E (D(x) - D(T(x)))^2``.

    Zhang et al. (2020, arXiv:1910.12027), CR-GAN: on real data, with random horizontal flips and
    shifts by a few pixels as T and a weight of 10. Gradients flow through both logits.

    Departures: what a shift uncovers is the repeated edge, where StudioGAN reflects the image.
    Points have no flips, so a small noise takes their place there.

    Args:
        augmentation: T, from data ``[B, ...]`` to as much changed data.
        term: see :class:`~ganzoo.penalties.base.Penalty`; lambda in the paper is its
            ``weight``.
    """

    compares: ClassVar[tuple[str, ...]] = ("real",)

    def __init__(self, *, augmentation: Augmentation = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        self.augmentation = augmentation

    def value(self, context: Context) -> Tensor:
        """Average the squared change of the logit over the real batch."""
        return self.inconsistency(context, context.points("real"), context.real_logits)

    def inconsistency(self, context: Context, data: Tensor, logits: Tensor) -> Tensor:
        """Average the squared change of the logit under augmentation over data ``[B, ...]``."""
        return (logits - context.score(self.augmentation(data))).square().mean()


@defaults_from("penalty/balanced_consistency")
class BalancedConsistency(Consistency):
    """The same on generated data too: ``E (D(x) - D(T(x)))^2 + E (D(G(z)) - D(T(G(z))))^2``.

    Zhao et al. (2020, arXiv:2002.04724), bCR-GAN: with the term on real data alone the generator
    learns to make augmented data, since no price is set on telling those apart.

    Departures: one weight for both sums; the paper has two and sets both to 10.
    """

    compares: ClassVar[tuple[str, ...]] = ("real", "fake")

    def value(self, context: Context) -> Tensor:
        """Add the means over the real and over the generated batch."""
        on_real = super().value(context)
        return on_real + self.inconsistency(context, context.points("fake"), context.fake_logits)
