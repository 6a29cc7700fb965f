"""VQGAN: an autoencoder to a grid of codes, with an adversarial term."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_not_negative, check_positive, check_whole
from ganzoo.game.evaluating import evaluating
from ganzoo.game.minibatch import Fields, Minibatch
from ganzoo.game.own_parts import check_kind
from ganzoo.game.player import Player
from ganzoo.logits import logits_of
from ganzoo.losses.adaptive_weight import adaptive_weight
from ganzoo.losses.base import AdversarialLoss, LossTerms, times, total
from ganzoo.losses.own import as_loss
from ganzoo.networks.vector_quantizer import Quantized, VectorQuantizer
from ganzoo.penalties.context import Context
from ganzoo.sampling.first_batch import check_data, check_generated_shape, output_of
from ganzoo.sampling.reconstruction import Autoencoder


@defaults_from("model/vqgan")
class VQGAN(Autoencoder):
    """VQGAN: encoder, codebook and decoder against a discriminator of patches.

    Esser et al. (2021), "Taming Transformers for High-Resolution Image Synthesis", section 3.1
    (arXiv 2012.09841). The autoencoder, one player, minimises the mean absolute error of its
    reconstructions (``reconstruction``), their ``perceptual`` distance where there is one, the
    terms of the codebook, and the adversarial loss times a weight that makes its gradient at the
    decoder's last layer as large as that of the first two (equation 7). From ``adversarial_start``
    on there is an adversarial loss and the discriminator learns.

    Logged beside the terms are the ``adaptive_weight`` and how much of the codebook a batch uses:
    ``perplexity`` and ``used``.

    Departures: there is no perceptual term unless a distance is given; the discriminator sees
    reconstructions from after the autoencoder's step, where the authors' code keeps those from
    before.

    Args:
        encoder: Network from pictures ``[B, C, H, W]`` to vectors ``[B, D, h, w]``.
        quantizer: The codebook.
        decoder: Network from codes ``[B, D, h, w]`` to pictures, with ``last_layer``.
        discriminator: Network from pictures to logits ``[B, ...]``.
        loss: Objective on logits.
        perceptual: Distance ``[B]`` of reconstructions and data, or None.
        perceptual_weight: Its factor, at least 0.
        adversarial_weight: Factor of the adversarial loss beside the adaptive one, at least 0.
        discriminator_weight: Factor of the discriminator's loss, at least 0.
        adversarial_start: Iterations before there is an adversarial loss, at least 0.
        eps: Added to the size of the adversarial gradient, positive.
        largest_adaptive_weight: Positive.
        game: Arguments of :class:`~ganzoo.sampling.data.DataReader` and
            :class:`~ganzoo.game.module.AdversarialModule`.

    Raises:
        InputError: if a number is out of range, or a part is of another kind.
    """

    def __init__(
        self,
        *,
        encoder: nn.Module,
        quantizer: VectorQuantizer,
        decoder: nn.Module,
        discriminator: nn.Module,
        loss: AdversarialLoss = FROM_CONFIG,
        perceptual: Callable[[Tensor, Tensor], Tensor] | None = FROM_CONFIG,
        perceptual_weight: float = FROM_CONFIG,
        adversarial_weight: float = FROM_CONFIG,
        discriminator_weight: float = FROM_CONFIG,
        adversarial_start: int = FROM_CONFIG,
        eps: float = FROM_CONFIG,
        largest_adaptive_weight: float = FROM_CONFIG,
        **game: Any,
    ) -> None:
        super().__init__(**game)
        check_not_negative(perceptual_weight=perceptual_weight)
        check_not_negative(adversarial_weight=adversarial_weight)
        check_not_negative(discriminator_weight=discriminator_weight)
        check_whole(0, adversarial_start=adversarial_start)
        check_positive(eps=eps, largest_adaptive_weight=largest_adaptive_weight)
        check_kind("quantizer", quantizer, VectorQuantizer, "a VectorQuantizer")
        self.encoder, self.quantizer, self.decoder = encoder, quantizer, decoder
        self.discriminator, self.loss = discriminator, as_loss(loss)
        self.perceptual, self.perceptual_weight = perceptual, perceptual_weight
        self.adversarial_weight = adversarial_weight
        self.discriminator_weight = discriminator_weight
        self.adversarial_start = adversarial_start
        self.eps, self.largest_adaptive_weight = eps, largest_adaptive_weight

    def build_players(self) -> Sequence[Player]:
        """The autoencoder, then the discriminator."""
        return (
            Player(
                "autoencoder",
                [self.encoder, self.quantizer, self.decoder],
                self.autoencoder_losses,
                context=self.context,
            ),
            Player(
                "discriminator",
                self.discriminator,
                self.discriminator_losses,
                role="discriminator",
                context=self.context,
            ),
        )

    def autoencoder_losses(self, context: Context) -> LossTerms:
        """What the autoencoder minimises."""
        real = context.minibatch.real
        quantized = self.quantize(real)
        context.fake = fake = self.decoder(quantized.codes)
        terms = {"reconstruction": l1_loss(fake, real)}
        if self.perceptual is not None:
            distance = self.perceptual(fake, real).mean()
            terms["perceptual"] = self.perceptual_weight * distance
        if self.has_started:
            terms["adversarial"] = self._adversarial(context, total(terms))
        self.note("autoencoder", self.quantizer.usage(quantized.indices))
        return terms | quantized.losses

    def discriminator_losses(self, context: Context) -> LossTerms:
        """What the discriminator minimises; before the start nothing, which moves no weight."""
        if not self.has_started:
            weights = [weight.sum() for weight in self.discriminator.parameters()]
            return {"real": 0.0 * torch.stack(weights).sum()}
        terms = self.loss.discriminator(context.real_logits, context.fake_logits)
        return times(self.discriminator_weight, terms)

    @property
    def has_started(self) -> bool:
        """Whether there is an adversarial loss by now."""
        return self.progress.iterations >= self.adversarial_start

    def quantize(self, images: Tensor) -> Quantized:
        """The codes of pictures ``[B, C, H, W]``, which they are, and the codebook's terms."""
        found: Quantized = self.quantizer(self.encoder(images))
        return found

    def context(self, minibatch: Minibatch) -> Context:
        """Data, and their reconstructions as generated."""
        return Context(
            minibatch,
            real=minibatch.real,
            fake=self._reconstruction,
            outputs=self.score,
            discriminator=self.discriminator,
        )

    def score(self, images: Tensor) -> Tensor:
        """What the discriminator says of pictures."""
        return logits_of(self.discriminator(images))

    def averaged_modules(self) -> Mapping[str, nn.Module]:
        """The encoder, the codebook and the decoder."""
        return {name: getattr(self, name) for name in ("encoder", "quantizer", "decoder")}

    def encode(self, images: Tensor, *, averaged: bool = True) -> Tensor:
        """Which codes pictures are in evaluation mode: int64 ``[B, h, w]``.

        Args:
            images: ``[B, C, H, W]`` in [-1, 1].
            averaged: Whether by the moving average where there is one.
        """
        encoder, quantizer = (self._part(name, averaged) for name in ("encoder", "quantizer"))
        with evaluating(encoder):
            found: Tensor = quantizer(encoder(images.to(self.device, self.weights_type))).indices
        return found

    def decode(self, indices: Tensor, *, averaged: bool = True) -> Tensor:
        """Pictures of codes ``[B, h, w]`` in evaluation mode: float32 ``[B, C, H, W]``."""
        quantizer, decoder = (self._part(name, averaged) for name in ("quantizer", "decoder"))
        with evaluating(decoder):
            made: Tensor = decoder(quantizer.codes(indices.to(self.device))).float()
        return made

    def reconstruct(self, data: Tensor, *, averaged: bool = True, batch_size: int = 256) -> Tensor:
        """Make pictures again from their codes, in evaluation mode.

        Args:
            data: ``[N, C, H, W]`` in [-1, 1].
            averaged: Whether by the moving average where there is one.
            batch_size: Pictures computed at once.

        Returns:
            float32 ``[N, C, H, W]``.
        """
        parts = torch.split(data, batch_size)
        return torch.cat(
            [self.decode(self.encode(part, averaged=averaged), averaged=averaged) for part in parts]
        )

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions of pictures, which gradients flow through."""
        return self.decoder(self.quantize(images).codes)  # type: ignore[no-any-return]

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Reconstructions of a batch."""
        return self.reconstruct(self.read_batch(batch)["real"])

    def check_fields(self, fields: Fields) -> None:
        """Refuse networks that do not fit the pictures."""
        data: Tensor = fields["real"]
        check_data(data)
        words = f"data of shape {list(data.shape[1:])}"
        with evaluating(self):
            check_generated_shape(
                output_of("autoencoder", words, lambda: self.forward(data[:1])), data
            )
            output_of("discriminator", words, lambda: self.score(data[:1]))

    def _reconstruction(self, context: Context) -> Tensor:
        return self.forward(context.minibatch.real)

    def _adversarial(self, context: Context, likelihood: Tensor) -> Tensor:
        """The adversarial loss with its weights."""
        terms = self.loss.generator_against(context.fake_logits, lambda: context.real_logits)
        adversarial = total(terms)
        weight = adaptive_weight(
            likelihood,
            adversarial,
            self.decoder.last_layer,  # type: ignore[arg-type]
            eps=self.eps,
            largest=self.largest_adaptive_weight,
        )
        self.note("autoencoder", {"adaptive_weight": weight})
        return self.adversarial_weight * weight * adversarial

    def _part(self, name: str, averaged: bool) -> Any:
        if averaged and name in self.ema:
            return self.ema[name].network
        return getattr(self, name)
