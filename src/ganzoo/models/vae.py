"""Variational autoencoder."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive
from ganzoo.game.evaluating import evaluating
from ganzoo.game.minibatch import Fields, Minibatch
from ganzoo.game.player import Player
from ganzoo.losses.base import LossTerms
from ganzoo.networks.encoders import DiagonalGaussian, GaussianEncoder
from ganzoo.networks.latents import Normal
from ganzoo.precision import at_least_float32
from ganzoo.sampling.first_batch import check_data, check_generated_shape, output_of, warn_of_range
from ganzoo.sampling.reconstruction import Reconstructor, checked_encoder


@defaults_from("model/vae")
class VAE(Reconstructor):
    """Variational autoencoder: an encoder and a generator maximise a bound of the likelihood.

    Kingma and Welling (2014), "Auto-Encoding Variational Bayes", equations 3 and 10 (arXiv
    1312.6114): ``log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z))`` with
    ``q(z | x) = N(mean(x), diag(variance(x)))``, ``p(z) = N(0, I)``, and here
    ``p(x | z) = N(G(z), deviation^2 I)``. One code is drawn for each sample (section 2.3).

    Both players minimise the negative bound, in nats for a sample, of which only
    ``reconstruction``, -E_q[log p(x | z)], depends on the generator; ``kullback_leibler`` is
    computed in closed form (appendix B). They step at once, each by the gradient of its own
    samples, so that the codes of one batch are drawn twice.

    Departures: the deviation of p(x | z) is a setting, not a network's output. Samples are means
    G(z), without that noise.

    Args:
        encoder: Network from data to normal distributions of codes ``[B, Z]``.
        deviation: Standard deviation of p(x | z) in each number of x, positive.
        game: Arguments of :class:`~ganzoo.sampling.latents.LatentSampler`.

    Raises:
        InputError: if the deviation is not positive, or the latents are not standard normal.
    """

    def __init__(
        self,
        *,
        encoder: GaussianEncoder,
        deviation: float = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_positive(deviation=deviation)
        check_standard_normal(self.latent_prior)
        self.encoder = checked_encoder(encoder, GaussianEncoder)
        self.deviation = deviation

    def build_players(self) -> Sequence[Player]:
        """The encoder, then the generator."""
        return (
            self.encoder_player(self.encoder_losses),
            Player("generator", self.generator, self.generator_losses),
        )

    def encoder_losses(self, minibatch: Minibatch) -> LossTerms:
        """The negative bound: both of its terms."""
        posterior: DiagonalGaussian = self.encoder(minibatch.real)
        return {
            "reconstruction": self.reconstruction(minibatch.real, posterior.sample()),
            "kullback_leibler": posterior.divergence().mean(),
        }

    def generator_losses(self, minibatch: Minibatch) -> LossTerms:
        """The negative bound as far as it depends on the generator."""
        posterior: DiagonalGaussian = self.encoder(minibatch.real)
        return {"reconstruction": self.reconstruction(minibatch.real, posterior.sample())}

    def reconstruction(self, data: Tensor, codes: Tensor) -> Tensor:
        """-E[log p(x | z)] of data ``[B, ...]`` and their codes ``[B, Z]``: a scalar in nats."""
        mean = at_least_float32(self.generate(self.generator, codes)).flatten(1)
        log_variance = torch.full_like(mean, 2 * math.log(self.deviation))
        return DiagonalGaussian(mean, log_variance).negative_log_likelihood(data.flatten(1)).mean()

    def check_fields(self, fields: Fields) -> None:
        """Refuse networks that do not fit the data."""
        data = fields["real"]
        check_data(data)
        latents = self.latent_prior.sample(2, generator=torch.Generator().manual_seed(0)).to(data)
        with evaluating(self):
            made = output_of(
                "generator", "its latents", lambda: self.generate(self.generator, latents)
            )
            check_generated_shape(made, data)
            shape = f"data of shape {list(data.shape[1:])}"
            output_of("encoder", shape, lambda: self.encode(data[:2]))
        warn_of_range(data, made)


def check_standard_normal(prior: Any) -> None:
    """Refuse latents for which a divergence from N(0, I) would be that from another prior.

    Raises:
        InputError: if the prior is another than the standard normal.
    """
    if not isinstance(prior, Normal):
        raise InputError(
            f"the divergence of codes is one from normal latents, not {type(prior).__name__}: "
            "set network.latent=normal"
        )
