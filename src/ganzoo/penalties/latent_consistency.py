"""Latent consistency regularisation, a term for each player."""

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive
from ganzoo.penalties.base import GamePenalty
from ganzoo.penalties.scene import Scene


@defaults_from()
class LatentPerturbation(GamePenalty):
    """What both terms share: pairs of generated samples from neighbouring latents.

    Args:
        weight: see :class:`Term`.
        interval: see :class:`Term`.
        deviation: standard deviation of the noise on latents, positive.

    Raises:
        InputError: if one of the numbers is out of range.
    """

    def __init__(
        self,
        *,
        weight: float = FROM_CONFIG,
        interval: int = FROM_CONFIG,
        deviation: float = FROM_CONFIG,
    ) -> None:
        super().__init__(weight=weight, interval=interval)
        check_positive(deviation=deviation)
        self.deviation = deviation

    def pairs(self, scene: Scene) -> tuple[Tensor, Tensor]:
        """Generate ``G(z)`` and ``G(z + dz)``, as many as there is real data."""
        latents = scene.latents(len(scene.real))
        moved = latents + self.deviation * torch.randn_like(latents)
        return scene.generator(latents), scene.generator(moved)


@defaults_from("penalty/latent_consistency")
class LatentConsistency(LatentPerturbation):
    """Ask the discriminator for equal logits: ``E (D(G(z)) - D(G(z + dz)))^2``.

    Zhao et al. (2020, arXiv:2002.04724), zCR-GAN, the discriminator's part: it shall not care
    about small changes of the latents. :class:`LatentDiversity` is the generator's part; with
    balanced consistency the two are their ICR-GAN.

    Departures: the latents are drawn anew, not those of the loss, which is the same on average.
    """

    player = "discriminator"

    def value(self, scene: Scene) -> Tensor:
        """Average the squared change of the logit over pairs of generated samples."""
        with torch.no_grad():
            here, there = self.pairs(scene)
        return (scene.discriminator(here) - scene.discriminator(there)).square().mean()


@defaults_from("penalty/latent_diversity")
class LatentDiversity(LatentPerturbation):
    """Ask the generator for different samples: ``-E |G(z) - G(z + dz)|^2``, a reward.

    Zhao et al. (2020, arXiv:2002.04724), zCR-GAN, the generator's part: it shall react to its
    latents, which a collapsed one does not.

    Departures: the square is averaged over the entries of a sample, not summed, so that a weight
    does not depend on the size of images; the latents are drawn anew, not those of the loss. The
    reward has no bound for points, whose generator has no tanh: use small weights there.
    """

    player = "generator"

    def value(self, scene: Scene) -> Tensor:
        """Average the squared difference over all entries of pairs of generated samples."""
        here, there = self.pairs(scene)
        return -(here - there).square().mean()
