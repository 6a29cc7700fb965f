"""Autoencoder whose samples a discriminator judges, and whose errors it measures."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.models.encoding import Encoding, checked_encoder
from ganzoo.models.gan import GAN
from ganzoo.models.player import Player, Share, Terms
from ganzoo.models.vae import check_standard_normal
from ganzoo.networks.encoders import Gaussian, GaussianEncoder
from ganzoo.penalties.features import last_hidden_features


@defaults_from("model/vae_gan")
class VAEGAN(Encoding, GAN):
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
        self.presentation.refuse_packs()
        self.encoder = checked_encoder(encoder, GaussianEncoder)
        self.attach_penalties(encoder=encoder)
        self.reconstruction_weight = reconstruction_weight

    def players(self) -> Sequence[Player]:
        """The encoder, the discriminator, then the generator."""
        return self.encoder_player(), *super().players()

    def encoder_objective(self, share: Share) -> Terms:
        """L_prior + L_llike."""
        posterior: Gaussian = self.encoder(share.data)
        rebuilt = self.imagine(posterior.sample(), None)
        terms = {
            "kullback_leibler": posterior.divergence().mean(),
            "reconstruction": self.unlikeness(share.data, rebuilt),
        }
        return terms | self.penalise(self.penalties, share, rebuilt, "encoder")

    def discriminator_objective(self, share: Share) -> Terms:
        """The mean of its losses on samples and on reconstructions; penalties act on samples."""
        rebuilt = self.presentation(self.rebuilt(share.data))
        made = self.presentation.remembered(self.made(share))
        share, fake = self.presentation.both(share, made)
        real = self.discriminate(share.data, None)
        losses = [
            self.loss.discriminator(real, self.discriminate(data, None)) for data in (fake, rebuilt)
        ]
        return _mixed(*losses) | self.penalise(self.penalties, share, fake)

    def generator_objective(self, share: Share) -> Terms:
        """Gamma times L_llike, minus L_GAN."""
        rebuilt = self.rebuilt(share.data)
        shown, judged = self.presentation.both(share, rebuilt)
        terms = _mixed(super().generator_objective(share), self.generator_loss(shown, judged))
        weighted = self.reconstruction_weight * self.unlikeness(share.data, rebuilt)
        return terms | {"reconstruction": weighted}

    def unlikeness(self, data: Tensor, rebuilt: Tensor) -> Tensor:
        """L_llike of data and reconstructions ``[B, ...]``: a scalar in nats."""
        return (self._features(data) - self._features(rebuilt)).square().sum(dim=1).mean() / 2

    def rebuilt(self, data: Tensor) -> Tensor:
        """Reconstructions of data ``[B, ...]`` from codes drawn for them."""
        posterior: Gaussian = self.encoder(data)
        return self.imagine(posterior.sample(), None)

    def _features(self, data: Tensor) -> Tensor:
        return last_hidden_features(
            self.discriminator, lambda shown: self.discriminate(shown, None), data
        )


def _mixed(terms: Terms, others: Terms) -> Terms:
    """The means of terms that both have; what only the first has stays whole."""
    means = {name: (terms[name] + term) / 2 for name, term in others.items()}
    return terms | means
