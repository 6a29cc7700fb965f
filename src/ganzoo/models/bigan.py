"""GAN with an encoder that learns to invert its generator."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.errors import InputError
from ganzoo.losses.base import AdversarialLoss
from ganzoo.models.encoding import Encoding, checked_encoder
from ganzoo.models.gan import GAN
from ganzoo.models.player import Player, Share, Terms
from ganzoo.models.record import total
from ganzoo.networks.encoders import Encoder
from ganzoo.networks.joining import joined


@defaults_from("model/bigan")
class BiGAN(Encoding, GAN):
    """Bidirectional GAN: the discriminator judges data and codes together.

    Donahue, Krähenbühl and Darrell (2017), "Adversarial Feature Learning", equation 3 (arXiv
    1605.09782), and Dumoulin et al. (2017, arXiv 1606.00704):
    ``min_{G, E} max_D E_x[log D(x, E(x))] + E_z[log(1 - D(G(z), z))]``. At the optimum the encoder
    inverts the generator (theorem 2).

    Generator and encoder play with the discriminator's labels exchanged (section 3.4): the
    encoder minimises the generator's loss of minus the logit of ``(x, E(x))``, which asks for a
    loss in which real and generated data can change places so.

    Departures: pairs of images and codes are images with a constant map for each number of the
    code (:func:`~ganzoo.networks.joining.joined`), where the paper joins codes in later layers;
    generator and encoder move one after another.

    Args:
        encoder: Network from data to codes ``[B, Z]``.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; the discriminator maps pairs
            ``[B, C + Z, H, W]`` or ``[B, D + Z]`` to logits ``[B]``, and penalties and
            presentation act on pairs.

    Raises:
        InputError: if real and generated data cannot change places in the loss.
    """

    def __init__(self, *, encoder: Encoder, **game: Any) -> None:
        super().__init__(**game)
        check_exchange(self.loss)
        self.encoder = checked_encoder(encoder, Encoder)
        self.attach_penalties(encoder=encoder)

    def players(self) -> Sequence[Player]:
        """The discriminator, the encoder, then the generator."""
        discriminator, generator = super().players()
        return discriminator, self.encoder_player(), generator

    def real(self, share: Share) -> Share:
        """Data and their codes."""
        return share._replace(data=joined(share.data, self.encode(share.data)))

    def imagine(self, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Samples and the latents that they were made from."""
        return joined(super().imagine(latents, labels), latents)

    def encoder_objective(self, share: Share) -> Terms:
        """The generator's loss with real and generated pairs exchanged."""
        real, fake = self.presentation.both(self.real(share), self.made(share))
        score = self.discriminate
        terms = self.loss.generator_against(-score(real.data, None), lambda: -score(fake, None))
        return terms | self.penalise(self.penalties, real, fake, "encoder")

    def judge(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits of data with their codes."""
        return super().judge(joined(data, self.encode(data)), labels)


@torch.no_grad()
def check_exchange(loss: AdversarialLoss) -> None:
    """Refuse losses that change where real and generated logits become minus each other.

    Raises:
        InputError: naming the loss.
    """
    real, fake = torch.tensor([-0.5, 0.2, 1.5]), torch.tensor([-2.0, 0.7, 0.4])
    training = loss.training
    loss.eval()
    straight, exchanged = loss.discriminator(real, fake), loss.discriminator(-fake, -real)
    loss.train(training)
    if not torch.allclose(total(straight), total(exchanged), rtol=1e-5, atol=1e-6):
        raise InputError(
            f"in {type(loss).__name__} real and generated data cannot change places, which the "
            "encoder needs: choose loss=non_saturating, minimax, hinge, wasserstein or relativistic"
        )
