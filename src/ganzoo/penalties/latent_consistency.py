"""Latent consistency regularisation, a term for each player."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32


@defaults_from()
class LatentPerturbation(Penalty):
    """What both terms share: pairs of generated samples from neighbouring latents.

    Args:
        deviation: standard deviation of the noise on latents, positive.
        term: see :class:`~ganzoo.penalties.base.Penalty`.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(self, *, deviation: float = FROM_CONFIG, **term: Any) -> None:
        super().__init__(**term)
        check_positive(deviation=deviation)
        self.deviation = deviation

    def neighbours(self, context: Context) -> Tensor:
        """Generate ``G(z + dz)`` for the latents ``z`` of the step."""
        latents = context.latents
        return context.generate(latents + self.deviation * torch.randn_like(latents))


@defaults_from("penalty/latent_consistency")
class LatentConsistency(LatentPerturbation):
    """Ask the discriminator for equal logits: ``E (D(G(z)) - D(G(z + dz)))^2``.

    Zhao et al. (2020, arXiv:2002.04724), zCR-GAN, the discriminator's part: it shall not care
    about small changes of the latents. :class:`LatentDiversity` is the generator's part; with
    balanced consistency the two are their ICR-GAN.
    """

    role = "discriminator"
    needs = "generator"
    compares: ClassVar[tuple[str, ...]] = ("fake", "generated")

    def value(self, context: Context) -> Tensor:
        """Average the squared change of the logit over pairs of generated samples."""
        with torch.no_grad():
            neighbours = self.neighbours(context)
        return (self.logits(context) - context.score(neighbours)).square().mean()

    def logits(self, context: Context) -> Tensor:
        """Logits of what is generated of the latents, which earlier data may stand in for."""
        if context.fake is context.generated:
            return context.fake_logits
        return context.score(at_least_float32(context.generated.detach()))


@defaults_from("penalty/latent_diversity")
class LatentDiversity(LatentPerturbation):
    """Ask the generator for different samples: ``-E |G(z) - G(z + dz)|^2``, a reward.

    Zhao et al. (2020, arXiv:2002.04724), zCR-GAN, the generator's part: it shall react to its
    latents, which a collapsed one does not.

    Departures: the square is averaged over the entries of a sample, not summed, so that a weight
    does not depend on the size of images. The reward has no bound for points, whose generator has
    no tanh: use small weights there.
    """

    role = "generator"
    compares: ClassVar[tuple[str, ...]] = ("generated",)

    def value(self, context: Context) -> Tensor:
        """Average the squared difference over all entries of pairs of generated samples."""
        return -(context.generated - self.neighbours(context)).square().mean()
