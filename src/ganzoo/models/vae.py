"""Variational autoencoder."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive
from ganzoo.models.encoding import Encoding, checked_encoder
from ganzoo.models.fit import check_data, check_made, looking, tried, warn_of_range
from ganzoo.models.game import Game
from ganzoo.models.player import Player, Share, Terms
from ganzoo.networks.encoders import Gaussian, GaussianEncoder
from ganzoo.networks.latents import Normal
from ganzoo.precision import at_least_float32


@defaults_from("model/vae")
class VAE(Encoding, Game):
    """Variational autoencoder: an encoder and a generator maximise a bound of the likelihood.

    Kingma and Welling (2014), "Auto-Encoding Variational Bayes", equations 3 and 10 (arXiv
    1312.6114): ``log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z))`` with
    ``q(z | x) = N(mean(x), diag(variance(x)))``, ``p(z) = N(0, I)``, and here
    ``p(x | z) = N(G(z), deviation^2 I)``. One code is drawn for each sample (section 2.3).

    Both players minimise the negative bound, in nats for a sample, of which only
    ``reconstruction``, -E_q[log p(x | z)], depends on the generator; ``kullback_leibler`` is
    computed in closed form (appendix B). They move at once, each by the gradient of its own
    samples, so that the codes of one batch are drawn twice.

    Departures: the deviation of p(x | z) is a setting, not a network's output. Samples are means
    G(z), without that noise.

    Args:
        encoder: Network from data to normal distributions of codes ``[B, Z]``.
        deviation: Standard deviation of p(x | z) in each number of x, positive.
        without: Choices that need a discriminator, by their names; all must be empty.
        game: Arguments of :class:`~ganzoo.models.game.Game`.

    Raises:
        InputError: if the deviation is not positive, the latents are not standard normal, or a
            choice was made that needs a discriminator.
    """

    def __init__(
        self,
        *,
        encoder: GaussianEncoder,
        deviation: float = FROM_CONFIG,
        without: Mapping[str, Any] = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_positive(deviation=deviation)
        for name, choice in without.items():
            if choice:
                raise InputError(f"a VAE has no discriminator that {name} could act on: leave it")
        check_standard_normal(self.latent_prior)
        self.encoder = checked_encoder(encoder, GaussianEncoder)
        self.deviation = deviation

    def players(self) -> Sequence[Player]:
        """The encoder, then the generator."""
        return (
            self.encoder_player(),
            Player(
                name="generator",
                network=self.generator,
                objective=self.generator_objective,
                steps=1,
            ),
        )

    def encoder_objective(self, share: Share) -> Terms:
        """The negative bound: both of its terms."""
        posterior: Gaussian = self.encoder(share.data)
        return {
            "reconstruction": self.reconstruction(share.data, posterior.sample()),
            "kullback_leibler": posterior.divergence().mean(),
        }

    def generator_objective(self, share: Share) -> Terms:
        """The negative bound as far as it depends on the generator."""
        posterior: Gaussian = self.encoder(share.data)
        return {"reconstruction": self.reconstruction(share.data, posterior.sample())}

    def reconstruction(self, data: Tensor, codes: Tensor) -> Tensor:
        """-E[log p(x | z)] of data ``[B, ...]`` and their codes ``[B, Z]``: a scalar in nats."""
        mean = at_least_float32(self.generate(self.generator, codes, None)).flatten(1)
        log_variance = torch.full_like(mean, 2 * math.log(self.deviation))
        return Gaussian(mean, log_variance).negative_log_likelihood(data.flatten(1)).mean()

    def check_fit(self, data: Tensor, labels: Tensor | None) -> None:
        """Refuse networks that do not fit the data."""
        check_data(data)
        latents = self.latent_prior.sample(2, generator=torch.Generator().manual_seed(0)).to(data)
        with looking(self):
            made = tried(
                "generator", "its latents", lambda: self.generate(self.generator, latents, None)
            )
            check_made(made, data)
            shape = f"data of shape {list(data.shape[1:])}"
            tried("encoder", shape, lambda: self.encode(data[:2]))
        warn_of_range(data, made)


def check_standard_normal(prior: Any) -> None:
    """Refuse latents for which a divergence from N(0, I) would be that from another prior.

    Raises:
        InputError: if the prior is another than the standard normal.
    """
    if not isinstance(prior, Normal):
        raise InputError(
            f"the divergence of codes is one from normal latents, not {type(prior).__name__}: "
            "set latent=normal"
        )
