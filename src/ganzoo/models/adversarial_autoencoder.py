"""Autoencoder whose codes are brought to the prior by a discriminator."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms
from ganzoo.models.gan import GAN
from ganzoo.networks.encoders import Encoder
from ganzoo.penalties.context import Context
from ganzoo.precision import at_least_float32
from ganzoo.sampling.reconstruction import Reconstructor, checked_encoder


@defaults_from("model/adversarial_autoencoder")
class AdversarialAutoencoder(Reconstructor, GAN):
    """Adversarial autoencoder: a discriminator tells codes of data from latents of the prior.

    Makhzani et al. (2016), "Adversarial Autoencoders", section 2 (arXiv 1511.05644). The encoder
    is deterministic (the paper's first choice). Encoder and generator (the decoder) minimise the
    error of reconstruction, and in the same game the encoder plays the generator's part against a
    discriminator on codes: latents of the prior are real, codes are generated. Samples are
    decoded latents.

    The term ``reconstruction`` is half the squared error of a sample, summed over its numbers.

    Departures: the encoder makes one update on both of its terms, where the paper has a phase for
    each; the adversarial objective is whatever ``loss`` says.

    Args:
        encoder: Network from data to codes ``[B, Z]``.
        reconstruction_weight: Factor of the reconstruction in the encoder's objective, at least 0;
            the generator minimises it alone, unweighted.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; the discriminator maps codes
            ``[B, Z]`` to logits ``[B]``, and so penalties and augmentations act on codes.

    Raises:
        InputError: if the weight is negative.
    """

    def __init__(
        self, *, encoder: Encoder, reconstruction_weight: float = FROM_CONFIG, **game: Any
    ) -> None:
        super().__init__(**game)
        check_not_negative(reconstruction_weight=reconstruction_weight)
        self.encoder = checked_encoder(encoder, Encoder)
        self.reconstruction_weight = reconstruction_weight

    def build_players(self) -> Sequence[Player]:
        """The discriminator of codes, the encoder, then the generator."""
        discriminator, generator = super().build_players()
        encoder = self.encoder_player(self.encoder_losses, context=self.context)
        return discriminator, encoder, generator

    def encoder_losses(self, context: Context) -> LossTerms:
        """The error of reconstruction, and the loss of who makes the codes."""
        terms = {"reconstruction": self.reconstruction_weight * self.error(context)}
        return terms | super().generator_losses(context)

    def generator_losses(self, context: Context) -> LossTerms:
        """The error of reconstruction."""
        return {"reconstruction": self.error(context)}

    def context(self, minibatch: Minibatch, **other: Any) -> Context:
        """With latents of the prior as real and codes of the data as generated."""
        return super().context(
            minibatch, real=_latents, fake=self.codes, generate=self.codes_of, **other
        )

    def codes(self, context: Context) -> Tensor:
        """Codes ``[B, Z]`` of the data."""
        return self.encode(context.minibatch.real)

    def codes_of(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Codes of what the generator makes of latents, which is what penalties of it look at."""
        return self.encode(self.generate(self.generator, latents))

    def error(self, context: Context) -> Tensor:
        """Half the mean squared distance of the data and their decoded codes."""
        data: Tensor = context.minibatch.real
        rebuilt = at_least_float32(self.generate(self.generator, context.fake))
        return (data - rebuilt).flatten(1).square().sum(dim=1).mean() / 2

    def score_samples(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits of the codes of samples."""
        return super().score_samples(self.encode(samples))


def _latents(context: Context) -> Tensor:
    latents: Tensor = context.latents
    return latents
