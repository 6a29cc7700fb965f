"""GAN with an encoder that learns to invert its generator."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.game.player import Player
from ganzoo.losses.base import AdversarialLoss, LossTerms, total
from ganzoo.models.gan import GAN
from ganzoo.networks.encoders import Encoder
from ganzoo.networks.joining import with_vectors
from ganzoo.penalties.context import Context
from ganzoo.sampling.reconstruction import Reconstructor, checked_encoder


@defaults_from("model/bigan")
class BiGAN(Reconstructor, GAN):
    """Bidirectional GAN: the discriminator judges data and codes together.

    Donahue, Krähenbühl and Darrell (2017), "Adversarial Feature Learning", equation 3 (arXiv
    1605.09782), and Dumoulin et al. (2017, arXiv 1606.00704):
    ``min_{G, E} max_D E_x[log D(x, E(x))] + E_z[log(1 - D(G(z), z))]``. At the optimum the encoder
    inverts the generator (theorem 2).

    Generator and encoder play with the discriminator's labels exchanged (section 3.4): the
    encoder minimises the generator's loss of minus the logit of ``(x, E(x))``, which asks for a
    loss in which real and generated data can change places so.

    Departures: pairs of images and codes are images with a constant map for each number of the
    code (:func:`~ganzoo.networks.joining.with_vectors`), where the paper joins codes in later
    layers; generator and encoder step one after another.

    Args:
        encoder: Network from data to codes ``[B, Z]``.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; the discriminator maps pairs
            ``[B, C + Z, H, W]`` or ``[B, D + Z]`` to logits ``[B]``, and penalties and
            augmentations act on pairs.

    Raises:
        InputError: if real and generated data cannot change places in the loss.
    """

    def __init__(self, *, encoder: Encoder, **game: Any) -> None:
        super().__init__(**game)
        check_exchange(self.loss)
        self.encoder = checked_encoder(encoder, Encoder)

    def build_players(self) -> Sequence[Player]:
        """The discriminator, the encoder, then the generator."""
        discriminator, generator = super().build_players()
        encoder = self.encoder_player(self.encoder_losses, context=self.context)
        return discriminator, encoder, generator

    def encoder_losses(self, context: Context) -> LossTerms:
        """The generator's loss with real and generated pairs exchanged."""
        return self.loss.generator_against(-context.real_logits, lambda: -context.fake_logits)

    def context(self, minibatch: Minibatch, **other: Any) -> Context:
        """With pairs of data and codes in place of data."""
        return super().context(minibatch, real=self.real, generate=self.pair_of, **other)

    def real(self, context: Context) -> Tensor:
        """Data and their codes."""
        data = context.minibatch.real
        return with_vectors(data, self.encode(data))

    def pair_of(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Samples and the latents that they were made from."""
        return with_vectors(self.generate(self.generator, latents), latents)

    def score_samples(self, samples: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits of samples with their codes."""
        return super().score_samples(with_vectors(samples, self.encode(samples)))


@torch.no_grad()
def check_exchange(loss: AdversarialLoss) -> None:
    """Refuse losses that change where real and generated logits become minus each other.

    Raises:
        InputError: naming the loss.
    """
    real, fake = torch.tensor([-0.5, 0.2, 1.5]), torch.tensor([-2.0, 0.7, 0.4])
    straight, exchanged = loss.discriminator(real, fake), loss.discriminator(-fake, -real)
    if not torch.allclose(total(straight), total(exchanged), rtol=1e-5, atol=1e-6):
        raise InputError(
            f"in {type(loss).__name__} real and generated data cannot change places, which the "
            "encoder needs: choose loss=non_saturating, minimax, hinge, wasserstein or relativistic"
        )
