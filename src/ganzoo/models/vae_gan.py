"""Autoencoder whose samples a discriminator judges, and whose errors it measures."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms
from ganzoo.models.gan import GAN
from ganzoo.models.vae import check_standard_normal
from ganzoo.networks.encoders import DiagonalGaussian, GaussianEncoder
from ganzoo.penalties.context import Context
from ganzoo.penalties.features import last_hidden_features
from ganzoo.sampling.reconstruction import Reconstructor, checked_encoder


@defaults_from("model/vae_gan")
class VAEGAN(Reconstructor, GAN):
    """VAE/GAN: a variational autoencoder with the discriminator's features as its measure of error.

    Larsen et al. (2016), "Autoencoding beyond pixels using a learned similarity metric",
    algorithm 1 (arXiv 1512.09300). With codes of data by the encoder and codes from the prior,
    the discriminator tells real data from reconstructions and from samples; the encoder minimises
    ``L_prior + L_llike`` and the generator ``gamma L_llike - L_GAN``, where
    ``L_prior = KL(q(z | x) || N(0, I))`` (the term ``kullback_leibler``) and ``L_llike``, the term
    ``reconstruction``, is half the squared distance of data and reconstruction in features of
    the discriminator, in nats for a sample (equation 7 without its constant).

    Departures: L_GAN is whatever ``loss`` says, and the mean of that on reconstructions and that
    on samples, so that real data count as much as both together; the features are the input of
    the discriminator's last layer, where the paper leaves the layer open; players move one after
    another, where the algorithm computes all gradients first.

    Args:
        encoder: Network from data to normal distributions of codes ``[B, Z]``.
        reconstruction_weight: gamma, at least 0.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`.

    Raises:
        InputError: if gamma is negative, the latents are not standard normal, or samples are
            packed.
    """

    def __init__(
        self, *, encoder: GaussianEncoder, reconstruction_weight: float = FROM_CONFIG, **game: Any
    ) -> None:
        super().__init__(**game)
        check_not_negative(reconstruction_weight=reconstruction_weight)
        check_standard_normal(self.latent_prior)
        self.refuse_packs()
        self.encoder = checked_encoder(encoder, GaussianEncoder)
        self.reconstruction_weight = reconstruction_weight

    def build_players(self) -> Sequence[Player]:
        """The encoder, the discriminator, then the generator."""
        encoder = self.encoder_player(self.encoder_losses, context=self.context)
        return encoder, *super().build_players()

    def encoder_losses(self, context: Context) -> LossTerms:
        """L_prior + L_llike."""
        data = context.minibatch.real
        posterior: DiagonalGaussian = self.encoder(data)
        rebuilt = self.generate(self.generator, posterior.sample())
        return {
            "kullback_leibler": posterior.divergence().mean(),
            "reconstruction": self.feature_error(data, rebuilt),
        }

    def discriminator_losses(self, context: Context) -> LossTerms:
        """The mean of its losses on samples and on reconstructions; penalties act on samples."""
        rebuilt = self.score(self.rebuilt(context.minibatch.real))
        on_samples = super().discriminator_losses(context)
        return _mixed(on_samples, self.loss.discriminator(context.real_logits, rebuilt))

    def generator_losses(self, context: Context) -> LossTerms:
        """Gamma times L_llike, minus L_GAN."""
        data = context.minibatch.real
        rebuilt = self.rebuilt(data)
        on_samples = super().generator_losses(context)
        on_rebuilt = self.loss.generator_against(self.score(rebuilt), lambda: context.real_logits)
        weighted = self.reconstruction_weight * self.feature_error(data, rebuilt)
        return _mixed(on_samples, on_rebuilt) | {"reconstruction": weighted}

    def feature_error(self, data: Tensor, rebuilt: Tensor) -> Tensor:
        """L_llike of data and reconstructions ``[B, ...]``: a scalar in nats."""
        differences = self._features(data) - self._features(rebuilt)
        return differences.square().sum(dim=1).mean() / 2

    def rebuilt(self, data: Tensor) -> Tensor:
        """Reconstructions of data ``[B, ...]`` from codes drawn for them."""
        posterior: DiagonalGaussian = self.encoder(data)
        return self.generate(self.generator, posterior.sample())

    def _features(self, data: Tensor) -> Tensor:
        return last_hidden_features(self.discriminator, self.discriminator, data)


def _mixed(terms: LossTerms, others: LossTerms) -> LossTerms:
    """The means of terms that both have; what only the first has stays whole."""
    means = {name: (terms[name] + term) / 2 for name, term in others.items()}
    return terms | means
