"""Autoencoder whose codes are brought to the prior by a discriminator."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative
from ganzoo.models.encoding import Encoding, checked_encoder
from ganzoo.models.gan import GAN
from ganzoo.models.player import Player, Share, Terms
from ganzoo.networks.encoders import Encoder
from ganzoo.precision import at_least_float32


@defaults_from("model/adversarial_autoencoder")
class AdversarialAutoencoder(Encoding, GAN):
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
            ``[B, Z]`` to logits ``[B]``, and so penalties and presentation act on codes.

    Raises:
        InputError: if the weight is negative.
    """

    def __init__(
        self, *, encoder: Encoder, reconstruction_weight: float = FROM_CONFIG, **game: Any
    ) -> None:
        super().__init__(**game)
        check_not_negative(reconstruction_weight=reconstruction_weight)
        self.encoder = checked_encoder(encoder, Encoder)
        self.attach_penalties(encoder=encoder)
        self.reconstruction_weight = reconstruction_weight

    def players(self) -> Sequence[Player]:
        """The discriminator of codes, the encoder, then the generator."""
        discriminator, generator = super().players()
        return discriminator, self.encoder_player(), generator

    def real(self, share: Share) -> Share:
        """Latents of the prior."""
        return share._replace(data=self.latents(len(share.data)))

    def made(self, share: Share) -> Tensor:
        """Codes ``[B, Z]`` of the data."""
        return self.encode(share.data)

    def imagine(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Codes of what the generator makes of latents, which is what penalties of it look at."""
        return self.encode(super().imagine(latents, labels))

    def encoder_objective(self, share: Share) -> Terms:
        """The error of reconstruction, and the loss of who makes the codes."""
        codes = self.encode(share.data)
        terms = {"reconstruction": self.reconstruction_weight * self.error(share.data, codes)}
        shown, judged = self.presentation.both(self.real(share), codes)
        terms = terms | self.generator_loss(shown, judged)
        return terms | self.penalise(self.penalties, shown, judged, "encoder")

    def generator_objective(self, share: Share) -> Terms:
        """The error of reconstruction."""
        codes = self.encode(share.data)
        terms = {"reconstruction": self.error(share.data, codes)}
        shown, judged = self.presentation.both(self.real(share), codes)
        return terms | self.penalise(self.penalties, shown, judged, "generator")

    def error(self, data: Tensor, codes: Tensor) -> Tensor:
        """Half the mean squared distance of data ``[B, ...]`` and decoded codes ``[B, Z]``."""
        rebuilt = at_least_float32(self.generate(self.generator, codes, None))
        return (data - rebuilt).flatten(1).square().sum(dim=1).mean() / 2

    def judge(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits of the codes of data."""
        return super().judge(self.encode(data), labels)
